// Trains whenever the newest training is old enough: what ClickHouse has is the memory, so a trainer that starts anew
// trains no sooner, and of several the one that looks first trains.
import type { Warehouse } from '../runtime/clickhouse'
import { DependencyError } from '../runtime/errors'
import type { Service } from '../runtime/lifecycle'
import { repeat } from '../runtime/repeat'
import type { TrainingOutcome } from './train-once'
import type { TrainerMetrics } from './trainer-metrics'

export interface TrainerOptions {
  readonly service: Pick<Service, 'health' | 'logger'>
  readonly warehouse: Warehouse
  readonly metrics: TrainerMetrics
  readonly train: (at: number) => Promise<TrainingOutcome>
  readonly intervalMs: number
  readonly checkMs: number
  /** Epoch ms. */
  readonly now: () => number
}

/** @returns what ends it, after the training under way */
export function runTrainer(options: TrainerOptions): () => Promise<void> {
  const { service, metrics, checkMs } = options
  let due = 0
  return repeat(
    async () => {
      try {
        due = await trainWhenDue(options, due)
        service.health.well('training')
      } catch (error) {
        if (!(error instanceof DependencyError)) throw error
        metrics.trained('failed', null)
        service.health.unwell('training', error.message)
      }
    },
    () => checkMs,
  )
}

/** @param due epoch ms before which too few orders are not asked about again
 * @returns the next such time */
async function trainWhenDue(
  { service, warehouse, metrics, train, intervalMs, now }: TrainerOptions,
  due: number,
): Promise<number> {
  const newest = await newestTraining(warehouse)
  metrics.newest(newest)
  const at = now()
  if (at < due || at < newest + intervalMs) return due
  const outcome = await train(at)
  const { journeys, conversions, trainings } = outcome
  const trained = trainings.length > 0
  metrics.trained(trained ? 'trained' : 'too_few_orders', outcome)
  const reason = `${journeys} journeys, ${conversions} of them orders`
  if (trained) service.logger.info({ reason }, 'trained')
  else service.logger.warn({ reason }, 'not trained: too few orders')
  // What was published may not have reached ClickHouse when it is looked at next.
  return at + Math.min(intervalMs, trained ? intervalMs : hourMs)
}

const hourMs = 3_600_000

/** When it was; epoch ms, 0 for never. */
async function newestTraining(warehouse: Warehouse): Promise<number> {
  const [row] = await warehouse.query<{ at: number }>(
    `SELECT toUnixTimestamp64Milli(max(trained_at)) AS at FROM ${warehouse.database}.trained_models`,
  )
  return Math.max(0, row?.at ?? 0)
}
