// How long the stages keep what. Everything is judged by the times at which records were accepted, never by a
// clock, and a week later than any rule needs it, so that a stage that lags behind decides the same.
import { eventAgeMaxMs } from './edge/event-time'

const dayMs = 86_400_000
const marginMs = 7 * dayMs

/** An order's snapshots are taken for so long after its creation; later ones are rejected. */
export const orderAgeMaxMs = 400 * dayMs
/** An order is kept until no snapshot of it can be taken any more. */
export const orderKeptMs = orderAgeMaxMs + marginMs
/** Identifiers that show nothing new for so long are let go. */
export const idleMaxMs = 400 * dayMs

/** A touch is kept until no order can be accepted any more whose window it lies in. */
export function touchKeptMs(longestWindowMs: number): number {
  return longestWindowMs + eventAgeMaxMs + marginMs
}
