// The demo trains the data-driven models from what the evening has shown, and has its orders credited by them.
import type { SchemaDirectory } from '../../services/runtime/codec'
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { KafkaClient } from '../../services/runtime/kafka'
import { trainOnce, type TrainingOutcome } from '../../services/model-trainer/train-once'
import { minuteMs } from './act'

const hourMs = 60 * minuteMs
/** An evening is short: who has touched nothing for half an hour has gone. */
export const goneAfterMs = 30 * minuteMs

export interface EveningTraining {
  readonly kafka: KafkaClient
  readonly registry: SchemaDirectory
  readonly warehouse: Warehouse
  /** Orders that converted from then on are credited; epoch ms. */
  readonly validFrom: number
  /** Journeys that ended before then are learnt from. */
  readonly until: number
  readonly timeoutMs: number
}

export function trainEvening(training: EveningTraining): Promise<TrainingOutcome> {
  const { kafka, registry, warehouse, validFrom, until: to, timeoutMs } = training
  return trainOnce({
    ...{ kafka, registry, prefix: '', warehouse, trainedAt: Date.now(), validFrom, timeoutMs, to },
    from: to - 24 * hourMs,
    ...{ conversionsMin: 1, channelsMax: 100, clicksBeforeViews: true },
  })
}
