// The rules an order must keep before anybody counts its money. Types and lengths are checked before.
import type { OrderMessage, OrderMessageLine } from './order-message'
import { currencyFaults } from './currency-faults'
import type { Fault } from './notes'

export interface OrderBounds {
  readonly acceptedAt: number
  /** How old `created_at` may be. */
  readonly ageMaxMs: number
}

const leadMaxMs = 5 * 60_000

/** Everything that is wrong with an order; empty when it can be taken. */
export function orderFaults(order: OrderMessage, bounds: OrderBounds): Fault[] {
  return [
    ...currencyFaults(order.currency),
    ...timeFaults(order, bounds),
    ...order.lines.flatMap((line, index) => lineFaults(line, `lines.${index}`)),
    ...repeatedLines(order.lines),
    ...sumFaults(order),
  ]
}

function timeFaults(order: OrderMessage, { acceptedAt, ageMaxMs }: OrderBounds): Fault[] {
  const faults: Fault[] = []
  for (const field of ['created_at', 'paid_at', 'updated_at'] as const) {
    const at = order[field]
    if (at === null) continue
    if (at > acceptedAt + leadMaxMs) faults.push({ field, fault: 'is more than 5 minutes ahead' })
    if (at < acceptedAt - ageMaxMs) faults.push({ field, fault: 'is too long ago' })
  }
  if (order.updated_at < order.created_at) {
    faults.push({ field: 'updated_at', fault: 'must not be before created_at' })
  }
  if (order.status === 'created' && order.paid_at !== null) {
    faults.push({ field: 'paid_at', fault: 'must be absent while the status is created' })
  }
  if (order.status !== 'created' && order.status !== 'cancelled' && order.paid_at === null) {
    faults.push({ field: 'paid_at', fault: `missing, and the status is ${order.status}` })
  }
  return faults
}

function lineFaults(line: OrderMessageLine, path: string): Fault[] {
  const faults: Fault[] = []
  if (line.refunded_minor > line.paid_minor) {
    faults.push({ field: `${path}.refunded_minor`, fault: 'must not exceed paid_minor' })
  }
  if (line.refunded_quantity > line.quantity) {
    faults.push({ field: `${path}.refunded_quantity`, fault: 'must not exceed quantity' })
  }
  return faults
}

function repeatedLines(lines: readonly OrderMessageLine[]): Fault[] {
  const seen = new Set<string>()
  const faults: Fault[] = []
  for (const [index, { line_id: id }] of lines.entries()) {
    if (seen.has(id)) faults.push({ field: `lines.${index}.line_id`, fault: 'is used twice' })
    seen.add(id)
  }
  return faults
}

function sumFaults(order: OrderMessage): Fault[] {
  const faults: Fault[] = []
  const paid = sum(order.lines, (line) => line.paid_minor) + order.freight_minor
  if (paid !== order.paid_minor) {
    faults.push({
      field: 'paid_minor',
      fault: `must be the lines' paid_minor plus freight_minor, which is ${paid}`,
    })
  }
  const refunded = sum(order.lines, (line) => line.refunded_minor)
  if (order.refunded_minor < refunded || order.refunded_minor > refunded + order.freight_minor) {
    faults.push({
      field: 'refunded_minor',
      fault: `must lie between the lines' refunded_minor, which is ${refunded}, and that plus freight_minor`,
    })
  }
  return faults
}

function sum(
  lines: readonly OrderMessageLine[],
  amount: (line: OrderMessageLine) => number,
): number {
  return lines.reduce((total, line) => total + amount(line), 0)
}
