// How long the stages keep what: by the times at which records were accepted and reached their topics, never by a
// clock. Everything is kept for longer than any rule needs it by more than a record can lie unread in its topic, so
// that a stage that lags behind, or a partition of it, decides the same. What waited before it reached its topic, as
// a dead letter or in a spool, is judged by when it did.
import { eventAgeMaxMs, eventLeadMaxMs } from './edge/event-time'
import { inputsKeptMs } from './topics'

const dayMs = 86_400_000
const marginMs = inputsKeptMs + 7 * dayMs

/** An order's snapshots are taken for so long after its creation; later ones are rejected. */
export const orderAgeMaxMs = 400 * dayMs
/** An order is kept until no snapshot of it can be taken any more. */
export const orderKeptMs = orderAgeMaxMs + marginMs
/** A trained model is taken for so long after the time from which it applies: well before orders of that time are frozen. */
export const trainedLateMaxMs = inputsKeptMs
/** Identifiers that show nothing new for so long are let go. */
export const idleMaxMs = 400 * dayMs

/** How long before an order was told to have converted the touches it looks at may have been accepted. An order told
 * within the age that events may have looks at its whole window; one told later at what is surely still kept. */
export function touchReachMs(longestWindowMs: number): number {
  return longestWindowMs + eventAgeMaxMs + eventLeadMaxMs
}

/** A touch is kept, after its acceptance, until no order looks at it any more. */
export function touchKeptMs(longestWindowMs: number): number {
  return touchReachMs(longestWindowMs) + marginMs
}
