// What the ledger counts: records by kind, source and minute. The minute is that of acceptance, which travels in
// the record, so every station puts a record into the same one.
import type { JourneyEntry, Order, Touchpoint } from '../records'

export type LedgerKind = 'touchpoint' | 'order'

/** One record as the ledger sees it. */
export interface LedgerRecord {
  readonly kind: LedgerKind
  readonly source: string
  /** Unique within the source: the touchpoint's id, the order's key. */
  readonly id: string
  /** Epoch milliseconds. */
  readonly acceptedAt: number
}

const minuteMs = 60_000

/** How far back stations are compared. Well below the time after which facts leave the store. */
export const ledgerHorizonMs = 48 * 60 * minuteMs

export function minuteOf(atMs: number): number {
  return Math.floor(atMs / minuteMs) * minuteMs
}

export function touchpointInLedger({ source, id, accepted_at }: Touchpoint): LedgerRecord {
  return { kind: 'touchpoint', source, id, acceptedAt: accepted_at }
}

export function orderInLedger({ source, order_key, accepted_at }: Order): LedgerRecord {
  return { kind: 'order', source, id: order_key, acceptedAt: accepted_at }
}

/** What an entry of the journey stage's store holds of the ledger's records; null for every other entry. */
export function tallyOf({ touch, order }: JourneyEntry): LedgerRecord | null {
  if (touch !== null) return touchpointInLedger(touch)
  return order === null ? null : orderInLedger(order.order)
}
