// What the trainer shows Prometheus.
import type { Metrics } from '../runtime/metrics'
import type { TrainingOutcome } from './train-once'

export type TrainingResult = 'trained' | 'too_few_orders' | 'failed'

export interface TrainerMetrics {
  /** @param at of the newest training; epoch ms, 0 for none */
  newest(at: number): void
  trained(result: TrainingResult, outcome: TrainingOutcome | null): void
}

export function createTrainerMetrics(metrics: Metrics): TrainerMetrics {
  const newest = metrics.gauge(
    'newest_model_timestamp_seconds',
    'When the newest model was trained; 0 while nothing has been',
  )
  const runs = metrics.counter('trainings_total', 'Trainings by what became of them', ['outcome'])
  for (const outcome of ['trained', 'too_few_orders', 'failed']) runs.inc({ outcome }, 0)
  const journeys = metrics.gauge('sample_journeys', 'Journeys that were looked at last')
  const conversions = metrics.gauge('sample_conversions', 'Of these, that ended in an order')
  return {
    newest: (at) => {
      newest.set(at / 1_000)
    },
    trained: (result, outcome) => {
      runs.inc({ outcome: result })
      if (outcome === null) return
      journeys.set(outcome.journeys)
      conversions.set(outcome.conversions)
    },
  }
}
