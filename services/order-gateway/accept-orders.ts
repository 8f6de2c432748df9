// Order snapshots → verdicts, the good ones made durable.
import {
  orderFrom,
  type OrderSource,
  type OrderTools,
  type OrderVerdict,
} from '../core/edge/order-from'
import type { Order } from '../core/records'
import type { Intake } from '../runtime/intake'
import type { Metrics } from '../runtime/metrics'
import { readOrder } from './read-order'

export interface OrdersOptions {
  readonly intake: Pick<Intake<Order>, 'keep'>
  readonly tools: OrderTools
  readonly metrics: Metrics
  readonly now: () => number
  readonly ageMaxMs: number
}

/** The verdicts in the order of the snapshots, or null when the good ones could not be kept: then none counts.
 * `repeated`: the very same request is durable already. */
export type AcceptOrders = (
  snapshots: readonly unknown[],
  from: { readonly source: OrderSource; readonly repeated: boolean },
) => Promise<readonly OrderVerdict[] | null>

const stage = 'orders'

export function createAcceptOrders(options: OrdersOptions): AcceptOrders {
  const { intake, tools, metrics, now, ageMaxMs } = options
  const count = (outcome: string, reason: string): void => {
    metrics.records.inc({ stage, outcome, reason })
  }
  return async (snapshots, { source, repeated }) => {
    const context = { source, acceptedAt: now(), ageMaxMs, tools }
    const verdicts = snapshots.map((snapshot): OrderVerdict => {
      const reading = readOrder(snapshot)
      if ('message' in reading) return orderFrom(reading.message, context)
      return { orderKey: '', order: null, faults: reading.faults, warnings: [] }
    })
    const good = verdicts.flatMap(({ order }) => (order === null ? [] : [order]))
    if (!repeated && good.length > 0 && (await intake.keep(good)) === 'unavailable') {
      metrics.records.inc({ stage, outcome: 'unavailable', reason: 'kafka' }, snapshots.length)
      return null
    }
    for (const { order, faults } of verdicts) {
      if (order === null) count('rejected', reasonOf(faults[0]))
      else count(repeated ? 'repeated' : 'accepted', '')
    }
    return verdicts
  }
}

/** A label of few values: the top field, and one word for the names a source made up. */
function reasonOf(first: OrderVerdict['faults'][number] | undefined): string {
  if (first === undefined) return 'order'
  return first.fault === 'unknown field'
    ? 'unknown_field'
    : (/^\w+/.exec(first.field)?.[0] ?? 'order')
}
