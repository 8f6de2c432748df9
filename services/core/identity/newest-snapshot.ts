// Which of two snapshots of one order is the newer: decided by what they say, never by when they arrived.
import { compareTexts } from '../compare-texts'
import type { Order } from '../records'

/** Later states of an order's life rank higher. */
export const orderStatuses = [
  'created',
  'paid',
  'partly_shipped',
  'shipped',
  'completed',
  'refunded',
  'cancelled',
] as const

export type OrderStatus = (typeof orderStatuses)[number]

/** By (updated_at, rank of status, refunded amount, content); of equal ones the earliest accepted stays. */
export function newestSnapshot(a: Order, b: Order): Order {
  const order =
    a.updated_at - b.updated_at ||
    rank(a.status) - rank(b.status) ||
    a.refunded_minor - b.refunded_minor ||
    compareTexts(contentOf(a), contentOf(b)) ||
    b.accepted_at - a.accepted_at
  return order >= 0 ? a : b
}

function rank(status: string): number {
  return orderStatuses.indexOf(status as OrderStatus)
}

function contentOf(order: Order): string {
  const sealed = order.sealed_buyer
  return JSON.stringify({
    ...order,
    accepted_at: 0,
    sealed_buyer: sealed === null ? null : [sealed.key_id, [...sealed.data]],
  })
}

/** A snapshot without whatever tells who bought. */
export function withoutBuyer(order: Order): Order {
  return { ...order, identifiers: [], sealed_buyer: null }
}
