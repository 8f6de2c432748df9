// What the trainer and the train command can be told from outside.
import { z } from 'zod'
import { kafkaSettings, limit } from '../runtime/config'
import { warehouseSettings } from '../runtime/warehouse-settings'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Of a training, whoever asks for it. */
export const trainingSettings = {
  ...kafkaSettings,
  ...warehouseSettings,
  CLICKHOUSE_TIMEOUT_MS: limit(30 * minuteMs).describe(
    'Longest wait for one answer of ClickHouse, in milliseconds: it goes through all journeys of the window',
  ),
  TRAIN_WINDOW_MS: limit(60 * dayMs, { min: 1_000 }).describe(
    'Journeys that ended so long ago at most are learnt from, in milliseconds',
  ),
  TRAIN_TIMEOUT_MS: limit(7 * dayMs, { min: 1_000 }).describe(
    'After so long without a touch a journey has ended without an order, in milliseconds',
  ),
  TRAIN_LEAD_MS: limit(15 * minuteMs, { min: 0 }).describe(
    'How long after its training a model begins to credit orders: longer than it takes to reach every partition, or orders are credited twice',
  ),
  TRAIN_CONVERSIONS_MIN: limit(100).describe(
    'With fewer journeys that ended in an order nothing is trained',
  ),
  TRAIN_CHANNELS_MAX: limit(100, { max: 300 }).describe(
    'With more channels than this the rarest are counted as `other`',
  ),
  TRAIN_CLICKS_BEFORE_VIEWS: z
    .stringbool()
    .default(true)
    .describe(
      'Views do not count beside clicks: as `clicks_before_views` of the attribution settings says',
    ),
}

export const trainerSettings = {
  OPERATIONS_PORT: z.coerce.number().int().min(0).max(65_535).default(9106),
  ...trainingSettings,
  TRAIN_INTERVAL_MS: limit(dayMs, { min: 10 * minuteMs }).describe(
    'How long after the newest training the next is due, in milliseconds',
  ),
  TRAIN_CHECK_MS: limit(minuteMs, { min: 10 }).describe(
    'How often it is looked whether one is due, in milliseconds',
  ),
}

export type TrainingConfig = z.output<z.ZodObject<typeof trainingSettings>>
