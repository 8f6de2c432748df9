// The stream processor at a glance: every stage with what it reads, keeps and writes.
import { journeyStage, type JourneySettings } from './journey'
import { stockStage } from './stock/reserve'

export function topology(settings: JourneySettings) {
  return { journey: journeyStage(settings), stock: stockStage } as const
}
