// A row is what ClickHouse's JSONEachRow takes: snake_case columns, whole numbers, times as text in UTC. It
// leaves out `written_at`, which the table fills in, so that one record always makes the same row.
import { reject, type Reject } from '../reject'
import { isStorableTime } from '../storable-time'

export type Row = Readonly<Record<string, unknown>>

/** Where in Kafka a record was read. */
export interface Coordinates {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When Kafka took the record, milliseconds. */
  readonly timestampMs: number
}

export function coordinateColumns(coordinates: Coordinates): Row {
  return {
    kafka_topic: coordinates.topic,
    kafka_partition: coordinates.partition,
    kafka_offset: coordinates.offset,
    appended_at: timeText(coordinates.timestampMs),
  }
}

/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC, for a DateTime64(3, 'UTC') column. */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, -1).replace('T', ' ')
}

export function optionalTimeText(atMs: number | null): string | null {
  return atMs === null ? null : timeText(atMs)
}

/** The first of these times, by field name, that the warehouse cannot hold. */
export function timeFault(times: Readonly<Record<string, number | null>>): Reject | null {
  for (const [field, atMs] of Object.entries(times)) {
    if (atMs !== null && !isStorableTime(atMs)) {
      return reject('invalid', `${field} lies outside 1970 to 2100`)
    }
  }
  return null
}
