// Everything one partition's turn at the ERP knows: what is owed, what was delivered, what is reserved, and
// whether the turn has come.
import {
  createMemory,
  isOwed,
  remember,
  type DeliveryMemory,
  type Owner,
} from '../core/erp/delivery-memory'
import { PendingDocuments } from '../core/erp/pending-documents'
import {
  digestOfDocument,
  documentFrom,
  type DocumentSettings,
  type SaleDocument,
} from '../core/erp/sale-document'
import { createReservations, takePosition, type Reservations } from '../core/erp/stock-delta'
import type { AttributedOrder, ErpDelivery, SealedField, StockPosition } from '../core/records'
import type { IncomingRecord } from '../runtime/kafka'

/** One order's newest version on its way to the ERP. */
export interface OwedOrder {
  readonly document: SaleDocument
  readonly sealed: SealedField | null
  readonly acceptedAt: number
  /** As it came, for a dead letter. */
  readonly record: IncomingRecord
}

export interface StateSettings {
  readonly document: DocumentSettings
  readonly settleMs: number
  readonly rememberedMax: number
  /** How long an owner that does not release may still have a call under way. */
  readonly ownerTimeoutMs: number
}

export interface Turn {
  /** Unlike that of any other turn of any process. */
  readonly token: string
  readonly settings: StateSettings
}

export class PartitionState {
  readonly partition: number
  readonly token: string
  readonly pending: PendingDocuments<OwedOrder>
  readonly memory: DeliveryMemory = createMemory()
  readonly reservations: Reservations = createReservations()
  /** Offset after the last stock position taken in. Markers do not count: a later reader may never see them. */
  stockRead = 0
  /** Where stock-positions ended when this turn began. */
  stockEnd = 0
  private stockReadTo = 0
  private stockHighest = 0
  /** When each warehouse's reserved stock was last looked at. */
  readonly stockSeenMs = new Map<string, number>()
  /** Its turn had come: calls to the ERP may have been made, and the memory tells of every call before them. */
  wasOpen = false
  /** Taken away, or given to us anew: no further call to the ERP. */
  over = false
  private readonly settings: StateSettings
  /** Turns of this process at this partition, just before this one, that never came: they called nobody. */
  private readonly silent: ReadonlySet<string>
  private previous: Owner | null = null
  private ownRecordSeenMs: number | null = null

  /** @param former this process's own turn at the partition that ends now; over already */
  constructor(
    partition: number,
    { token, settings, former }: Turn & { readonly former: PartitionState | null },
  ) {
    this.partition = partition
    this.token = token
    this.settings = settings
    this.silent =
      former === null || former.wasOpen ? new Set() : new Set([...former.silent, former.token])
    this.pending = new PendingDocuments(settings.settleMs)
  }

  /** @returns what became of the record, for the counter */
  takeOrder(
    record: IncomingRecord,
    attributed: AttributedOrder,
  ): 'owed' | 'unchanged' | 'unwanted' {
    const { order, version } = attributed
    const document = documentFrom(attributed, this.settings.document)
    this.pending.readTo(record.offset + 1)
    if (document === null) return 'unwanted'
    const key = order.order_key
    const wanted = { version, digest: digestOfDocument(document) }
    // What waits already has to hear of every version, of one that undoes the change too. Before its turn has come the
    // memory may be half read: what it seems to hold is judged when it is due.
    if (this.wasOpen && !this.pending.has(key) && !isOwed(this.memory, key, wanted)) {
      return 'unchanged'
    }
    // The fetch buffer is shared by a whole response: keep a copy of our own part.
    const own = { ...record, value: record.value === null ? null : Buffer.from(record.value) }
    const { sealed_buyer: sealed, accepted_at: acceptedAt } = order
    this.pending.add(key, {
      value: { document, sealed, acceptedAt, record: own },
      version,
      offset: record.offset,
      atMs: record.timestampMs,
    })
    return 'owed'
  }

  takePosition(record: IncomingRecord, position: StockPosition | null): void {
    takePosition(this.reservations, record.key?.toString() ?? '', position)
    this.stockRead = Math.max(this.stockRead, record.offset + 1)
  }

  /** Notes that all stock positions below `offset` were read, markers included, and where the topic ended then. */
  readStockTo(offset: number, highWatermark: number): void {
    this.stockReadTo = Math.max(this.stockReadTo, offset)
    this.stockHighest = Math.max(this.stockHighest, highWatermark)
  }

  /**
   * Reserved stock is judged only by who has read what there was when the turn began, and as much as whoever judged it last.
   * Less is no earlier state: of a compacted topic it lacks every position that changed since.
   */
  knowsStock(warehouse: string): boolean {
    if (this.stockReadTo < this.stockEnd) return false
    const position = this.memory.deltas.get(warehouse)?.position ?? 0
    // One past every end that was seen is of a topic that was deleted and made anew.
    return this.stockReadTo >= position || position > Math.max(this.stockEnd, this.stockHighest)
  }

  /** Takes in a record of erp-deliveries, one of our own as well as one of an owner before us. */
  takeDelivery(record: ErpDelivery, nowMs: number): void {
    if (record.kind !== 'owner') {
      remember(this.memory, record, this.settings.rememberedMax)
      return
    }
    const owner = { token: record.reference, released: record.outcome === 'released' }
    if (this.silent.has(owner.token)) return
    if (owner.token === this.token) this.ownRecordSeenMs ??= nowMs
    else if (this.ownRecordSeenMs === null || owner.token === this.previous?.token) {
      this.previous = owner
    }
  }

  /**
   * Our own record has come by, so all of the memory is read, and whoever called the ERP before us has stopped: it said so
   * after all it did was on record, an earlier turn of this very process as well, or it cannot have a call under way any more.
   */
  isOpen(nowMs: number): boolean {
    if (this.over || this.ownRecordSeenMs === null) return false
    this.wasOpen ||= this.hasItsTurn(nowMs, this.ownRecordSeenMs)
    return this.wasOpen
  }

  private hasItsTurn(nowMs: number, ownRecordSeenMs: number): boolean {
    const { previous } = this
    if (previous === null || previous.released) return true
    return nowMs - ownRecordSeenMs >= this.settings.ownerTimeoutMs
  }

  isOwed(order: OwedOrder, version: number): boolean {
    const { document } = order
    const digest = digestOfDocument(document)
    return isOwed(this.memory, document.reference, { version, digest })
  }
}
