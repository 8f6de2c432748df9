// Where a batch begins and ends, and when it is written. Boundaries matter: an insert that may have happened
// must be repeated with exactly the same records, so that ClickHouse recognises it.

export interface BatchLimits {
  readonly recordsMax: number
  /** Sum of the records' sizes in Kafka. */
  readonly bytesMax: number
  /** Shortest time between two batches of a partition, and the longest a record waits for company. */
  readonly waitMs: number
}

/** What a partition has read and not yet written. */
export interface Waiting {
  readonly records: number
  readonly bytes: number
  /** When the oldest of them came in. */
  readonly sinceMs: number
  /** The partition held nothing more when it was read. */
  readonly caughtUp: boolean
  readonly lastBatchAtMs: number
}

/**
 * How long to wait before the next batch; 0 means now, Infinity that there is nothing to write. A lone record
 * goes out at once; under load a partition writes one batch per `waitMs`, because every insert makes a part
 * that ClickHouse must merge.
 */
export function waitBeforeBatchMs(waiting: Waiting, limits: BatchLimits, nowMs: number): number {
  if (waiting.records === 0) return Infinity
  if (waiting.records >= limits.recordsMax || waiting.bytes >= limits.bytesMax) return 0
  const fromMs = waiting.caughtUp
    ? waiting.lastBatchAtMs
    : Math.max(waiting.lastBatchAtMs, waiting.sinceMs)
  return Math.max(0, fromMs + limits.waitMs - nowMs)
}

export interface Sized {
  readonly offset: number
  readonly bytes: number
}

/** How many of the waiting records make the next batch: at least one, then up to the limits. */
export function batchLength(waiting: readonly Sized[], limits: BatchLimits): number {
  let bytes = 0
  for (const [index, record] of waiting.entries()) {
    bytes += record.bytes
    if (index === limits.recordsMax || (index > 0 && bytes > limits.bytesMax)) return index
  }
  return waiting.length
}

/**
 * The offset noted beside the committed one while a batch is being written: the last of the batch. Whoever
 * takes the partition over writes exactly the records up to it before anything else.
 */
export function boundaryText(last: number): string {
  return `last=${String(last)}`
}

/** The noted offset, or null when no batch was under way. */
export function boundaryFrom(metadata: string): number | null {
  const last = /^last=(\d{1,15})$/.exec(metadata)?.[1]
  return last === undefined ? null : Number(last)
}

/** How many records belong to the batch that was under way; null until everything up to its end was read. */
export function interruptedLength(
  waiting: readonly Sized[],
  readUpTo: number,
  last: number,
): number | null {
  if (readUpTo < last) return null
  const end = waiting.findIndex(({ offset }) => offset > last)
  return end === -1 ? waiting.length : end
}
