// One partition from the moment it is assigned until it is taken away: what was read waits here and is written
// batch by batch. The order that makes a batch appear exactly once:
//   1. note the batch's last offset beside the committed offset (the group's generation fences a former owner);
//   2. insert the batch under a token made from exactly these records;
//   3. commit the offset after it, alone or together with the next batch's note.
// After a crash between 1 and 3 the next owner finds the note, rebuilds exactly this batch and repeats the
// insert under the same token, which ClickHouse recognises.
import {
  batchLength,
  boundaryText,
  interruptedLength,
  waitBeforeBatchMs,
  type BatchLimits,
  type Sized,
} from '../core/warehouse/batch'
import { gapsAmong, type NumberRange } from '../core/number-range'
import type { IncomingRecord } from '../runtime/kafka'

/** What was read of a partition in one go. */
export interface Arrived {
  readonly records: readonly IncomingRecord[]
  /** Offset that was asked of the broker. */
  readonly fetchedOffset: number
  /** Offset of the last record, hidden ones included. */
  readonly lastOffset: number
  readonly highWatermark: number
}

export interface PartitionPorts {
  /** Commits a position and the note beside it. Throws once the partition is no longer ours. */
  readonly commit: (offset: number, note: string) => Promise<void>
  /** Throws once the partition is no longer ours. */
  readonly write: (records: readonly IncomingRecord[]) => Promise<void>
  /** Notes offsets at which there is nothing to be read; null where nobody follows offsets one by one. */
  readonly passOver: ((hidden: readonly HiddenRange[]) => Promise<void>) | null
  /** Stops and restarts the flow of records into this partition. */
  readonly pause: () => void
  readonly resume: () => void
  readonly now: () => number
}

export interface HiddenRange extends NumberRange {
  /** When Kafka took the record that stands nearest. */
  readonly timestampMs: number
}

export interface PartitionStart {
  /** Offset of the first record not yet written. */
  readonly position: number
  /** Last offset of a batch that may already have been inserted. */
  readonly interrupted: number | null
}

export class PartitionWriter {
  readonly #limits: BatchLimits
  readonly #ports: PartitionPorts
  #position: number
  #interrupted: number | null
  #readUpTo: number
  #waiting: (Sized & { readonly record: IncomingRecord })[] = []
  #waitingBytes = 0
  /** Offsets the broker has shown to hold nothing for a reader, not yet passed over. */
  #hidden: NumberRange[] = []
  #sinceMs = 0
  #lastBatchAtMs = 0
  #caughtUp = false
  #paused = false
  #ended = false
  #wake: () => void = () => undefined

  constructor(start: PartitionStart, limits: BatchLimits, ports: PartitionPorts) {
    this.#position = start.position
    this.#interrupted = start.interrupted
    this.#readUpTo = start.position - 1
    this.#limits = limits
    this.#ports = ports
  }

  /** The next offset expected from Kafka. */
  get next(): number {
    return this.#readUpTo + 1
  }

  /** The next offset to be written: all before it is in ClickHouse. */
  get position(): number {
    return this.#position
  }

  add({ records, fetchedOffset, lastOffset, highWatermark }: Arrived): void {
    // Nothing is known of what lies before a fetch: that may have been removed.
    const first = Math.max(this.next, fetchedOffset)
    const offsets = records.map(({ offset }) => offset)
    this.#remember(gapsAmong(offsets, { first, last: lastOffset }))
    if (this.#waiting.length === 0) this.#sinceMs = this.#ports.now()
    for (const record of records) {
      if (record.offset <= this.#readUpTo) continue
      const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0)
      this.#waiting.push({ offset: record.offset, bytes, record })
      this.#waitingBytes += bytes
    }
    this.#readUpTo = Math.max(this.#readUpTo, lastOffset)
    this.#caughtUp = lastOffset + 1 >= highWatermark
    // An interrupted batch must be read to its end, however long it was.
    const full =
      this.#waitingBytes >= 2 * this.#limits.bytesMax ||
      this.#waiting.length >= 2 * this.#limits.recordsMax
    if (full && this.#interrupted === null && !this.#paused) {
      this.#paused = true
      this.#ports.pause()
    }
    this.#wake()
  }

  /** The broker has shown that these offsets hold nothing for a reader. */
  hide({ first, last }: NumberRange): void {
    if (first > this.next || last < this.next) return
    this.#remember([{ first: this.next, last }])
    this.#readUpTo = last
    if (this.#waiting.length === 0) this.#position = this.next
    this.#wake()
  }

  /** Writes until `end` is called; a batch under way is finished first. */
  async run(): Promise<void> {
    while (!this.#ended) {
      const waitMs = this.#waitMs()
      if (waitMs > 0) await this.#sleep(waitMs)
      else await this.#writeNext()
    }
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  #waitMs(): number {
    if (this.#interrupted !== null) {
      const length = interruptedLength(this.#waiting, this.#readUpTo, this.#interrupted)
      return length === null ? Infinity : 0
    }
    return waitBeforeBatchMs(
      {
        records: this.#waiting.length,
        bytes: this.#waitingBytes,
        sinceMs: this.#sinceMs,
        caughtUp: this.#caughtUp,
        lastBatchAtMs: this.#lastBatchAtMs,
      },
      this.#limits,
      this.#ports.now(),
    )
  }

  async #writeNext(): Promise<void> {
    const interrupted = this.#interrupted
    const length =
      interrupted === null
        ? batchLength(this.#waiting, this.#limits)
        : (interruptedLength(this.#waiting, this.#readUpTo, interrupted) ?? 0)
    const batch = this.#waiting.slice(0, length).map(({ record }) => record)
    const last = batch.at(-1)
    this.#lastBatchAtMs = this.#ports.now()
    if (last !== undefined) {
      await this.#passOver(last)
      if (interrupted === null) {
        await this.#ports.commit(this.#position, boundaryText(last.offset))
      }
      await this.#ports.write(batch)
    }
    this.#forget(length)
    this.#interrupted = null
    this.#position = this.#waiting[0]?.offset ?? this.#readUpTo + 1
    // With more to write at once, the next note carries this position.
    if (this.#ended || this.#waitMs() > 0) {
      if (last !== undefined) await this.#passOver(last)
      await this.#ports.commit(this.#position, '')
    }
  }

  #remember(hidden: readonly NumberRange[]): void {
    if (this.#ports.passOver !== null) this.#hidden.push(...hidden)
  }

  /** Before a position beyond them is committed. Told again after a crash, they are the same. */
  async #passOver(last: IncomingRecord): Promise<void> {
    const ranges = this.#hidden
    if (ranges.length === 0) return
    this.#hidden = []
    const hidden = ranges.map((range) => {
      const after = this.#waiting.find(({ offset }) => offset > range.last)
      return { ...range, timestampMs: (after?.record ?? last).timestampMs }
    })
    await this.#ports.passOver?.(hidden)
  }

  #forget(length: number): void {
    for (const { bytes } of this.#waiting.splice(0, length)) this.#waitingBytes -= bytes
    this.#sinceMs = this.#ports.now()
    if (this.#paused && this.#waitingBytes < this.#limits.bytesMax) {
      this.#paused = false
      this.#ports.resume()
    }
  }

  async #sleep(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = waitMs === Infinity ? undefined : setTimeout(resolve, waitMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => undefined
  }
}
