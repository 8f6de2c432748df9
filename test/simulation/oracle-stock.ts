// What an order must reserve that no ERP sale represents, from all its snapshots at once.
import type { Order } from '../../services/core/records'
import { newestOrders } from './oracle'

export interface ExpectedReservation {
  readonly quantity: number
  readonly reason: string
}

/** Positions that are not zero, by `order key|SKU` and, where there is one, `|warehouse`. */
export function reservations(snapshots: readonly Order[]): Map<string, ExpectedReservation> {
  const reserved = new Map<string, ExpectedReservation>()
  for (const { order } of newestOrders(snapshots)) {
    const over = order.status === 'cancelled' || order.status === 'refunded'
    const sold = order.kind === 'sale' && order.paid_at !== null
    if (over || sold) continue
    const reason = order.kind === 'sale' ? 'unpaid' : order.kind
    for (const line of order.lines) {
      const key = [order.order_key, line.sku, line.warehouse]
        .filter((part) => part !== '')
        .join('|')
      const quantity = line.quantity - line.refunded_quantity + (reserved.get(key)?.quantity ?? 0)
      reserved.set(key, { quantity, reason })
    }
  }
  return new Map([...reserved].filter(([, { quantity }]) => quantity !== 0))
}
