// When an event happened. The client's clock is believed unless the time at which it says it sends differs
// from ours by more than a minute; then the event is moved by that difference. A small difference is left
// alone, so that an event sent again keeps its time to the millisecond.
import { readInstant } from './instant'
import { isStorableTime } from '../storable-time'
import { isAbsent, type Fields, type Notes } from './notes'

const minuteMs = 60_000
const dayMs = 86_400_000

export const eventAgeMaxMs = 30 * dayMs
export const eventLeadMaxMs = 5 * minuteMs
export const skewToleratedMs = minuteMs

export interface EventTime {
  readonly at: number
  readonly sentAt: number | null
}

/**
 * The corrected time of an event; without `at` it is the time of acceptance. A time of sending that no table can hold
 * corrects like any other, being as far off as the clock is, and is left out. Faults go to `notes`.
 */
export function eventTime(event: Fields, acceptedAt: number, notes: Notes): EventTime {
  const sentAt = readTime(event, 'sent_at', notes)
  const given = readTime(event, 'at', notes)
  const kept = sentAt !== null && isStorableTime(sentAt) ? sentAt : null
  if (kept !== sentAt) notes.warnings.push({ field: 'sent_at', fault: 'lies after 2099, left out' })
  if (given === null) return { at: acceptedAt, sentAt: kept }
  const skew = sentAt === null ? 0 : acceptedAt - sentAt
  const at = given + (Math.abs(skew) > skewToleratedMs ? skew : 0)
  const fault = boundFault(at, acceptedAt)
  if (fault !== null) notes.faults.push({ field: 'at', fault })
  return { at, sentAt: kept }
}

function boundFault(at: number, acceptedAt: number): string | null {
  const corrected = 'after correction by sent_at'
  if (at < acceptedAt - eventAgeMaxMs) return `is more than 30 days ago, ${corrected}`
  if (at > acceptedAt + eventLeadMaxMs) return `is more than 5 minutes ahead, ${corrected}`
  return null
}

function readTime(event: Fields, field: string, notes: Notes): number | null {
  const value = event[field]
  if (isAbsent(value)) return null
  const reading = readInstant(value)
  if ('ms' in reading) return reading.ms
  notes.faults.push({ field, fault: reading.fault })
  return null
}
