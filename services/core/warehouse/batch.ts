// Where a batch begins and ends, and when it is written. Boundaries matter: an insert that may have happened
// must be repeated with exactly the same records, so that ClickHouse recognises it.
import type { NumberRange } from '../number-range'

export interface BatchLimits {
  readonly recordsMax: number
  /** Sum of the records' sizes in Kafka. */
  readonly bytesMax: number
  /** Shortest time between two batches of a topic, and the longest a record waits for company. */
  readonly waitMs: number
}

/** What the partitions of a topic have read and not yet begun to write. */
export interface Waiting {
  readonly records: number
  readonly bytes: number
  /** When the oldest of them came in. */
  readonly sinceMs: number
  /** The partitions held nothing more when they were read. */
  readonly caughtUp: boolean
  /** Another batch of the topic is being written. */
  readonly underWay: boolean
  readonly lastBatchAtMs: number
}

/**
 * How long to wait before the next batch; 0 means now, Infinity that there is nothing to write. A lone record
 * goes out at once; under load a topic writes one batch per `waitMs`, because every insert makes a part that
 * ClickHouse must merge, and costs it about as much for one row as for a thousand. While one is being written, what
 * comes in gathers into the next.
 */
export function waitBeforeBatchMs(waiting: Waiting, limits: BatchLimits, nowMs: number): number {
  if (waiting.records === 0) return Infinity
  if (waiting.records >= limits.recordsMax || waiting.bytes >= limits.bytesMax) return 0
  if (waiting.underWay) return Infinity
  const fromMs = waiting.caughtUp
    ? waiting.lastBatchAtMs
    : Math.max(waiting.lastBatchAtMs, waiting.sinceMs)
  return Math.max(0, fromMs + limits.waitMs - nowMs)
}

export interface Sized {
  readonly bytes: number
}

/** Most partitions in one batch: as many as the note about it has room for beside an offset, 4,096 bytes by default. */
export const partitionsPerBatchMax = 64

/**
 * How many of the records that wait in each partition make the next batch: at least one in all, then up to the limits,
 * partition by partition in the order given.
 */
export function batchLengths(
  waiting: readonly (readonly Sized[])[],
  { recordsMax, bytesMax }: BatchLimits,
): number[] {
  let records = 0
  let bytes = 0
  return waiting.slice(0, partitionsPerBatchMax).map((queue) => {
    const before = records
    for (const record of queue) {
      if (records === recordsMax || (records > 0 && bytes + record.bytes > bytesMax)) break
      records += 1
      bytes += record.bytes
    }
    return records - before
  })
}

/** What a batch takes from one partition: its records from `first` to `last`, both included. */
export interface BatchPart extends NumberRange {
  readonly partition: number
}

/**
 * Noted beside the committed offset of each of its partitions while a batch is being written: whoever takes one of them
 * over writes exactly this batch before anything else.
 */
export function noteText(parts: readonly BatchPart[]): string {
  return `batch=${parts.map(({ partition, first, last }) => `${partition}:${first}-${last}`).join()}`
}

const partPattern = /^(\d{1,9}):(\d{1,15})-(\d{1,15})$/

/** The noted batch, or null when none was under way. */
export function partsFrom(note: string): BatchPart[] | null {
  if (!note.startsWith('batch=')) return null
  const parts = note
    .slice('batch='.length)
    .split(',')
    .map((text) => partPattern.exec(text)?.slice(1).map(Number) ?? [])
  if (parts.some(({ length }) => length === 0)) return null
  return parts.map(([partition = 0, first = 0, last = 0]) => ({ partition, first, last }))
}
