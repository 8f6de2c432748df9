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

const minuteMs = 60_000
const minutesRememberedMax = 10_000
/** Texts of whole minutes, up to the seconds: a batch has many times and few minutes. */
const minuteTexts = new Map<number, string>()
const texts = Array.from({ length: 1_000 }, (_, number) => String(number))
const seconds = texts.slice(0, 60).map((text) => text.padStart(2, '0'))
const milliseconds = texts.map((text) => text.padStart(3, '0'))

/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC, for a DateTime64(3, 'UTC') column. */
export function timeText(atMs: number): string {
  const minute = Math.floor(atMs / minuteMs)
  let text = minuteTexts.get(minute)
  if (text === undefined) {
    text = new Date(minute * minuteMs).toISOString().slice(0, -'00.000Z'.length).replace('T', ' ')
    if (minuteTexts.size >= minutesRememberedMax) minuteTexts.clear()
    minuteTexts.set(minute, text)
  }
  const restMs = atMs - minute * minuteMs
  const second = Math.floor(restMs / 1_000)
  return `${text}${seconds[second] ?? ''}.${milliseconds[Math.floor(restMs - second * 1_000)] ?? ''}`
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
