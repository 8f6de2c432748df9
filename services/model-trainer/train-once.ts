// One training: journeys, models, published. The middle is a pure function of what was counted.
import { conversionsIn, journeysIn } from '../core/models/journey-counts'
import { trainModels } from '../core/models/train-models'
import type { ModelTraining } from '../core/records'
import type { Warehouse } from '../runtime/clickhouse'
import { gatherJourneys } from './gather-journeys'
import { publishModels, type Publishing } from './publish-models'

export interface TrainingOrder extends Publishing {
  readonly warehouse: Warehouse
  /** Epoch ms. */
  readonly trainedAt: number
  /** From when it credits orders. */
  readonly validFrom: number
  /** Journeys that ended from then until before then are learnt from. */
  readonly from: number
  readonly to: number
  readonly timeoutMs: number
  readonly conversionsMin: number
  readonly channelsMax: number
  readonly clicksBeforeViews: boolean
}

export interface TrainingOutcome {
  /** Empty where there were too few orders to learn from: nothing was published then. */
  readonly trainings: readonly ModelTraining[]
  readonly journeys: number
  readonly conversions: number
}

/** @throws DependencyError, SetupError */
export async function trainOnce(order: TrainingOrder): Promise<TrainingOutcome> {
  const { counts, folded } = await gatherJourneys(order.warehouse, order)
  const [journeys, conversions] = [journeysIn(counts), conversionsIn(counts)]
  if (conversions < Math.max(1, order.conversionsMin)) {
    return { trainings: [], journeys, conversions }
  }
  const trainings = trainModels(counts, {
    ...{ valid_from: order.validFrom, trained_at: order.trainedAt },
    ...{ window_from: order.from, window_to: order.to, timeout_ms: order.timeoutMs },
    ...{ channels_max: order.channelsMax, channels_folded: folded },
  })
  await publishModels(trainings, order)
  return { trainings, journeys, conversions }
}
