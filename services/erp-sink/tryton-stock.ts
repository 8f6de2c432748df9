// Deltas of reserved stock as Tryton's internal shipments between a warehouse and the place for reserved goods:
// one out and one back at most, both with the delta's reference. Tryton does not keep that reference unique, and a
// call we gave up on may still be under way there: what it leaves beside the one that counts is cancelled.
import { DependencyError } from '../runtime/errors'
import { isRefusal, type Refusal, type StockDelta } from './erp-port'
import type { Product } from './tryton-catalogue'
import { idOf, refusal, textOf, type Values } from './tryton-records'
import type { SaleTools } from './tryton-sales'
import { dateAt } from './tryton-values'

const model = 'stock.shipment.internal'

interface Shipment {
  readonly id: number
  readonly state: string
  /** Location it goes to, which tells out from back. */
  readonly to: number
}

/** Books one delta after the other. */
export type BookDelta = (delta: StockDelta) => Promise<Refusal | null>

/** @param timeoutMs how long a call that was cut off is waited for before it is made again */
export function createBookDelta(tools: SaleTools, timeoutMs: number): BookDelta {
  const { records } = tools
  let cutOff: { readonly reference: string; readonly untilMs: number } | null = null

  const create = async (delta: StockDelta): Promise<Refusal | null> => {
    const { reference } = delta
    if (cutOff?.reference === reference && tools.now() < cutOff.untilMs) {
      throw new DependencyError('erp', `may still be creating ${reference}: looking again`)
    }
    const values = await shipmentValues(tools, delta)
    if (isRefusal(values)) return values
    let answered = false
    try {
      const created = await records.create(model, values)
      answered = true
      return isRefusal(created) ? created : null
    } finally {
      cutOff = answered ? null : { reference, untilMs: tools.now() + timeoutMs }
    }
  }
  return async (delta) => {
    const { reference } = delta
    if ((await shipmentsOf(tools, reference)).length === 0) {
      const refused = await create(delta)
      if (refused !== null) return refused
    }
    const open = (await cancelSurplus(tools, reference)).filter(({ state }) => state !== 'done')
    for (const button of ['wait', 'assign_force', 'done']) {
      const refused = await records.press(
        model,
        button,
        open.map(({ id }) => id),
      )
      if (refused !== null) return refused
    }
    const booked = await cancelSurplus(tools, reference)
    return booked.length > 0 && booked.every(({ state }) => state === 'done')
      ? null
      : refusal(`internal shipment ${reference} does not get done`)
  }
}

/** The one shipment of each way that counts; any other that is still open is cancelled. */
async function cancelSurplus(tools: SaleTools, reference: string): Promise<readonly Shipment[]> {
  const shipments = (await shipmentsOf(tools, reference)).filter(
    ({ state }) => state !== 'cancelled',
  )
  const ways = [...new Set(shipments.map(({ to }) => to))]
  const kept = ways.flatMap((way) => {
    const all = shipments.filter(({ to }) => to === way)
    // What is done is done; of those that are not, whoever else looks must keep the same.
    return all.find(({ state }) => state === 'done') ?? all[0] ?? []
  })
  const surplus = shipments.filter((one) => one.state !== 'done' && !kept.includes(one))
  const refused = await tools.records.press(
    model,
    'cancel',
    surplus.map(({ id }) => id),
  )
  if (refused !== null) {
    throw new DependencyError('erp', `does not cancel a surplus shipment ${reference}`)
  }
  return kept
}

/** By id. */
async function shipmentsOf({ records }: SaleTools, reference: string): Promise<Shipment[]> {
  const fields = ['state', 'to_location']
  const found = await records.search(model, [['reference', '=', reference]], fields)
  return found.map(({ id, state, to_location: to }) => ({
    id: idOf(id, reference),
    state: textOf(state),
    to: idOf(to, `the way of ${reference}`),
  }))
}

async function shipmentValues(tools: SaleTools, delta: StockDelta): Promise<Values[] | Refusal> {
  const { catalogue } = tools
  const warehouse = await catalogue.warehouse(delta.warehouse)
  if (warehouse === null) return refusal(`no warehouse with code ${delta.warehouse}`)
  const reserved = await catalogue.reservedLocation()
  if (reserved === null) return refusal('no location for reserved goods')
  const skus = Object.keys(delta.pieces)
  const products = await catalogue.productsOf(skus)
  const unknown = skus.filter((sku) => !products.has(sku))
  if (unknown.length > 0) return refusal(`no product with code ${unknown.join(', ')}`)
  const { id: company, timeZone } = await catalogue.company()
  const date = dateAt(tools.now(), timeZone)
  const shipment = (from: number, to: number, pieces: [string, number][]): Values => ({
    company,
    reference: delta.reference,
    from_location: from,
    to_location: to,
    planned_date: date,
    planned_start_date: date,
    moves: [['create', pieces.map((piece) => moveValues(piece, { company, from, to, products }))]],
  })
  const all = Object.entries(delta.pieces)
  const out = all.filter(([, pieces]) => pieces > 0)
  const back = all.filter(([, pieces]) => pieces < 0)
  return [
    ...(out.length === 0 ? [] : [shipment(warehouse.storage, reserved, out)]),
    ...(back.length === 0 ? [] : [shipment(reserved, warehouse.storage, back)]),
  ]
}

function moveValues(
  [sku, pieces]: [string, number],
  {
    products,
    ...where
  }: {
    readonly company: number
    readonly from: number
    readonly to: number
    readonly products: ReadonlyMap<string, Product>
  },
): Values {
  const product = products.get(sku)
  return {
    company: where.company,
    from_location: where.from,
    to_location: where.to,
    product: product?.id,
    unit: product?.unit,
    quantity: Math.abs(pieces),
  }
}
