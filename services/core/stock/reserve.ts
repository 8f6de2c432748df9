// What an order reserves that no ERP sale represents: unpaid orders, samples and gifts. Absolute quantities,
// so that a snapshot seen twice or late changes nothing. When the order becomes an ERP sale, which moves the
// stock itself, its positions become 0 in the same step.
import { newestSnapshot, withoutBuyer } from '../identity/newest-snapshot'
import { orderKeptMs } from '../retention'
import { tooOld } from '../too-old'
import type { Order, OrderLine, StockEntry, StockPosition } from '../records'
import { noLoop, stage, type Turn } from '../stage'
import { topics } from '../topics'

/** Whether an order is (or was) pushed to the ERP as a sale: paid orders of kind sale. */
export function becomesErpSale(order: Order): boolean {
  return order.kind === 'sale' && order.paid_at !== null
}

type StockTurn = Turn<StockEntry, never, typeof topics.stockPositions, never>

export const stockStage = stage({
  name: 'stock',
  reads: [topics.orders],
  loops: noLoop,
  keeps: topics.stockChangelog,
  writes: [topics.stockPositions],
  nodeOf: ({ value }) => value.order_key,
  common: null,
  near: ['order', 'order~'],
  partitionKeyOf: (node) => node,
  redirect: null,
  step: (turn: StockTurn, { value }) => {
    const fault = tooOld(value, turn.appendedAt)
    if (fault === undefined) reserve(turn, withoutBuyer(value))
    return fault
  },
  settle: () => undefined,
  tend: (turn: StockTurn) => {
    const known = turn.get('order')
    if (known === undefined || known.order.created_at >= turn.acceptedUpTo - orderKeptMs) return
    if (known.positions.every(({ quantity }) => quantity === 0)) turn.remove('order')
  },
  purges: () => false,
})

function reserve(turn: StockTurn, incoming: Order): void {
  const known = turn.get('order')
  const order = known === undefined ? incoming : newestSnapshot(known.order, incoming)
  const before = known?.positions ?? []
  const positions = positionsOf(order, before)
  for (const [key, position] of positions) {
    const last = before.find((one) => positionKey(one) === key)
    if (position !== last) turn.emit(topics.stockPositions, key, position)
  }
  turn.put('order', { order, positions: [...positions.values()] })
}

/** One position per SKU and warehouse; those unchanged are the very objects of `before`. */
function positionsOf(order: Order, before: readonly StockPosition[]): Map<string, StockPosition> {
  const wanted = new Map<string, { line: OrderLine; quantity: number }>()
  for (const line of order.lines) {
    const key = positionKey({ ...line, order_key: order.order_key })
    const quantity = (wanted.get(key)?.quantity ?? 0) + line.quantity - line.refunded_quantity
    wanted.set(key, { line, quantity })
  }
  const reason = reasonOf(order)
  const positions = new Map<string, StockPosition>()
  for (const [key, { line, quantity }] of wanted) {
    const last = before.find((one) => positionKey(one) === key)
    const reserved = reason === 'released' ? 0 : quantity
    if (last === undefined && reserved === 0) continue
    positions.set(key, nextPosition(last, { order, line, quantity: reserved, reason }))
  }
  for (const last of before) {
    const key = positionKey(last)
    if (positions.has(key)) continue
    const { sku, warehouse } = last
    const line = { sku, warehouse }
    positions.set(key, nextPosition(last, { order, line, quantity: 0, reason: 'released' }))
  }
  return positions
}

function nextPosition(
  last: StockPosition | undefined,
  wanted: {
    readonly order: Order
    readonly line: Pick<OrderLine, 'sku' | 'warehouse'>
    readonly quantity: number
    readonly reason: string
  },
): StockPosition {
  const { order, line, quantity, reason } = wanted
  if (last?.quantity === quantity && last.reason === reason) return last
  return {
    order_key: order.order_key,
    sku: line.sku,
    warehouse: line.warehouse,
    quantity,
    reason,
    updated_at: order.updated_at,
    version: (last?.version ?? 0) + 1,
  }
}

function positionKey(of: Pick<StockPosition, 'order_key' | 'sku' | 'warehouse'>): string {
  const parts = of.warehouse === '' ? [of.order_key, of.sku] : [of.order_key, of.sku, of.warehouse]
  return parts.map(markSeparators).join('|')
}

/** Shops and warehouses choose their own codes, and none may read like two. */
function markSeparators(text: string): string {
  return text.replace(/[\\|]/g, (sign) => `\\${sign}`)
}

function reasonOf(order: Order): string {
  if (order.status === 'cancelled' || order.status === 'refunded') return 'released'
  if (becomesErpSale(order)) return 'released'
  return order.kind === 'sale' ? 'unpaid' : order.kind
}
