// The records of erp-deliveries: what the sink writes about its work, and all it remembers of it. The newest
// record of a key tells everything about that key.
import type { ErpDelivery } from '../records'
import { digestOfDocument, type SaleDocument } from './sale-document'
import type { ErpSale } from './delivery-plan'
import type { Totals } from './stock-delta'

export interface DeltaMemory {
  readonly outcome: string
  readonly reference: string
  /** What the ERP holds reserved for this partition and warehouse. */
  readonly represented: Totals
  /** What it will hold once the planned delta is booked. */
  readonly totals: Totals
  /** Offset after the last stock position the totals knew: who has read less must not judge them. */
  readonly position: number
}

export interface Owner {
  readonly token: string
  readonly released: boolean
}

export interface DeliveryMemory {
  readonly orders: Map<string, Pick<ErpDelivery, 'outcome' | 'digest' | 'version'>>
  /** By warehouse. */
  readonly deltas: Map<string, DeltaMemory>
}

export function createMemory(): DeliveryMemory {
  return { orders: new Map(), deltas: new Map() }
}

/**
 * Takes the record of a document in; of an order, one of a lower version is a straggler and changes nothing. The oldest orders
 * beyond `ordersMax` are forgotten: the ERP itself is asked before anything is sent.
 */
export function remember(memory: DeliveryMemory, record: ErpDelivery, ordersMax: number): void {
  const { orders, deltas } = memory
  if (record.kind === 'delta') {
    const detail = JSON.parse(record.detail) as Omit<DeltaMemory, 'outcome' | 'reference'> & {
      readonly warehouse: string
    }
    const { warehouse, represented, totals, position } = detail
    const { outcome, reference } = record
    deltas.set(warehouse, { outcome, reference, represented, totals, position })
  } else {
    const known = orders.get(record.document_key)
    if (known !== undefined && known.version > record.version) return
    orders.delete(record.document_key)
    const { outcome, digest, version } = record
    orders.set(record.document_key, { outcome, digest, version })
    const [oldest] = orders.keys()
    if (orders.size > ordersMax && oldest !== undefined) orders.delete(oldest)
  }
}

/** Whether a version of an order is still to be delivered. A refused one is tried whenever it comes again. */
export function isOwed(
  memory: DeliveryMemory,
  key: string,
  wanted: { readonly version: number; readonly digest: string },
): boolean {
  const known = memory.orders.get(key)
  if (known === undefined) return true
  if (wanted.version < known.version) return false
  return known.outcome !== 'delivered' || known.digest !== wanted.digest
}

const blank: ErpDelivery = {
  document_key: '',
  kind: '',
  order_key: '',
  outcome: '',
  version: 0,
  digest: '',
  reference: '',
  erp_id: '',
  erp_state: '',
  model: '',
  detail: '',
  words: '',
  accepted_at: null,
  delivered_at: null,
}

/** What became of an order's document. `words` are the ERP's when it refused. */
export function orderDelivery(
  document: SaleDocument,
  outcome: {
    readonly version: number
    readonly acceptedAt: number
    readonly sale: ErpSale | null
    readonly words: string
    readonly atMs: number
  },
): ErpDelivery {
  const { sale, words } = outcome
  const { total_minor, net_minor, returned, cancelled, source } = document
  return {
    ...blank,
    document_key: document.reference,
    kind: 'order',
    order_key: document.reference,
    outcome: words === '' ? 'delivered' : 'refused',
    version: outcome.version,
    digest: digestOfDocument(document),
    reference: document.reference,
    erp_id: sale?.id ?? '',
    erp_state: sale?.erp_state ?? '',
    model: source?.model ?? '',
    detail: JSON.stringify({
      total_minor,
      net_minor,
      returned,
      cancelled,
      source,
      corrections: sale?.corrections.length ?? 0,
    }),
    words,
    accepted_at: outcome.acceptedAt,
    delivered_at: words === '' ? outcome.atMs : null,
  }
}

/** A delta of one partition and warehouse: planned before it is sent, then delivered or refused. */
export function deltaDelivery(
  of: { readonly partition: number; readonly warehouse: string },
  delta: DeltaMemory & { readonly words: string; readonly atMs: number },
): ErpDelivery {
  const { outcome, reference, represented, totals, position, words, atMs } = delta
  return {
    ...blank,
    document_key: `delta:${of.partition}:${of.warehouse}`,
    kind: 'delta',
    outcome,
    reference,
    detail: JSON.stringify({ warehouse: of.warehouse, represented, totals, position }),
    words,
    delivered_at: outcome === 'delivered' ? atMs : null,
  }
}

/** Who calls the ERP for a partition, and whether it has stopped doing so. */
export function ownerDelivery(partition: number, { token, released }: Owner): ErpDelivery {
  return {
    ...blank,
    document_key: `owner:${partition}`,
    kind: 'owner',
    outcome: released ? 'released' : 'owned',
    reference: token,
  }
}
