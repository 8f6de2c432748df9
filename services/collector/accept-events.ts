// Events → verdicts, the good ones made durable. What pixel and collect have in common.
import type { Touchpoint } from '../core/records'
import type { IdentifierTools } from '../core/edge/identifiers-from'
import { touchpointFrom, type EventVerdict } from '../core/edge/touchpoint-from'
import type { Intake } from '../runtime/intake'
import type { Metrics } from '../runtime/metrics'
import type { CollectorSource } from './sources'
import type { Visitor } from './visitor-cookie'

export interface EventsOptions {
  readonly intake: Pick<Intake<Touchpoint>, 'keep'>
  readonly tools: IdentifierTools
  readonly metrics: Metrics
  readonly now: () => number
  readonly mintId: () => string
}

/** The verdicts in the order of the events, or null when the good ones could not be kept: then none counts. */
export type AcceptEvents = (
  events: readonly unknown[],
  from: { readonly source: CollectorSource; readonly visitor: Visitor | null },
) => Promise<readonly EventVerdict[] | null>

const stage = 'collect'

export function createAcceptEvents(options: EventsOptions): AcceptEvents {
  const { intake, tools, metrics, now, mintId } = options
  const count = (outcome: string, reason: string, events = 1): void => {
    metrics.records.inc({ stage, outcome, reason }, events)
  }
  return async (events, { source, visitor }) => {
    const acceptedAt = now()
    const context = { source, acceptedAt, mintId, tools, visitor }
    const verdicts = events.map((event) => touchpointFrom(event, context))
    const good: Touchpoint[] = []
    for (const { touchpoint } of verdicts) if (touchpoint !== null) good.push(touchpoint)
    if (good.length > 0 && (await intake.keep(good)) === 'unavailable') {
      metrics.records.inc({ stage, outcome: 'unavailable', reason: 'kafka' }, events.length)
      return null
    }
    for (const { touchpoint, faults } of verdicts) {
      if (touchpoint === null) count('rejected', reasonOf(faults[0]?.field))
    }
    if (good.length > 0) count('accepted', '', good.length)
    return verdicts
  }
}

/** A label of few values: the field, without what lies below it. */
function reasonOf(field = 'event'): string {
  return /^\w+/.exec(field)?.[0] ?? 'event'
}
