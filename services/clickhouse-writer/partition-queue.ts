// What was read of one partition and is not yet written, from the moment the partition is assigned until it is taken away.
import type { BatchLimits, Sized } from '../core/warehouse/batch'
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

/** Offsets at which there is nothing to be read. */
export interface HiddenRange extends NumberRange {
  readonly partition: number
  /** When Kafka took the record that stands nearest. */
  readonly timestampMs: number
}

export interface QueueStart {
  readonly partition: number
  /** Offset of the first record not yet written. */
  readonly position: number
  /** Last offset of a batch that was under way and is repeated before anything that comes in here; null for none. */
  readonly interrupted: number | null
}

export interface QueuePorts {
  /** Stop and restart the flow of records into this partition. */
  readonly pause: (partition: number) => void
  readonly resume: (partition: number) => void
  readonly now: () => number
}

interface WaitingRecord extends Sized {
  readonly record: IncomingRecord
}

export class PartitionQueue {
  readonly partition: number
  readonly #limits: BatchLimits
  readonly #ports: QueuePorts
  #position: number
  #readUpTo: number
  #waiting: WaitingRecord[] = []
  #bytes = 0
  /** Of the waiting records, those of the batch under way; null while none is. */
  #taken: number | null = null
  #sinceMs = 0
  #caughtUp = false
  #paused = false
  /** Offsets the broker has shown to hold nothing for a reader, not yet passed over. */
  #hidden: NumberRange[] = []
  #newestTimestampMs = 0

  constructor(start: QueueStart, limits: BatchLimits, ports: QueuePorts) {
    this.partition = start.partition
    this.#position = start.position
    this.#readUpTo = start.interrupted ?? start.position - 1
    if (start.interrupted !== null) this.#taken = 0
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

  /** A batch with records of this partition is under way. */
  get busy(): boolean {
    return this.#taken !== null
  }

  get waiting(): readonly WaitingRecord[] {
    return this.#waiting
  }

  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest waiting record came in. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** The partition held nothing more when it was read last. */
  get caughtUp(): boolean {
    return this.#caughtUp
  }

  add({ records, fetchedOffset, lastOffset, highWatermark }: Arrived): void {
    // Nothing is known of what lies before a fetch: that may have been removed.
    const first = Math.max(this.next, fetchedOffset)
    const offsets = records.map(({ offset }) => offset)
    this.#hidden.push(...gapsAmong(offsets, { first, last: lastOffset }))
    if (this.#waiting.length === 0) this.#sinceMs = this.#ports.now()
    for (const record of records) {
      if (record.offset <= this.#readUpTo) continue
      const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0)
      this.#waiting.push({ bytes, record })
      this.#bytes += bytes
      this.#newestTimestampMs = record.timestampMs
    }
    this.#readUpTo = Math.max(this.#readUpTo, lastOffset)
    this.#caughtUp = lastOffset + 1 >= highWatermark
    const full =
      this.#bytes >= 2 * this.#limits.bytesMax ||
      this.#waiting.length >= 2 * this.#limits.recordsMax
    if (full && !this.#paused) {
      this.#paused = true
      this.#ports.pause(this.partition)
    }
  }

  /** The broker has shown that these offsets hold nothing for a reader. */
  hide({ first, last }: NumberRange): void {
    if (first > this.next || last < this.next) return
    this.#hidden.push({ first: this.next, last })
    this.#readUpTo = last
    if (this.#waiting.length === 0 && !this.busy) this.#position = this.next
  }

  /** The first of the waiting records, for a batch that is now under way. */
  take(length: number): IncomingRecord[] {
    this.#taken = length
    return this.#waiting.slice(0, length).map(({ record }) => record)
  }

  /** The batch under way has been written. */
  wrote(): void {
    for (const { bytes } of this.#waiting.splice(0, this.#taken ?? 0)) this.#bytes -= bytes
    this.#taken = null
    this.#sinceMs = this.#ports.now()
    this.#position = this.#waiting[0]?.record.offset ?? this.next
    if (this.#paused && this.#bytes < this.#limits.bytesMax) {
      this.#paused = false
      this.#ports.resume(this.partition)
    }
  }

  /** Offsets to be passed over before a position beyond them is committed. Told again after a crash, they are the same. */
  takeHidden(): HiddenRange[] {
    const ranges = this.#hidden
    this.#hidden = []
    return ranges.map((range) => {
      const after = this.#waiting.find(({ record }) => record.offset > range.last)
      const timestampMs = after?.record.timestampMs ?? this.#newestTimestampMs
      return { ...range, partition: this.partition, timestampMs }
    })
  }
}
