// The partitions of one topic that are ours, from the moment they are assigned until they are taken away: what was read
// waits in their queues and is written batch by batch, many partitions in one insert. The order that makes a batch appear
// exactly once:
//   1. note the batch, all its parts, beside the committed offset of each of its partitions (the group's generation
//      fences a former owner);
//   2. insert the batch under a token made from exactly these records;
//   3. commit the offsets after it, alone or together with the next batch's note.
// After a crash between 1 and 3 whoever owns one of the partitions next finds the note, reads exactly this batch again,
// parts of partitions that went to others included, and repeats the insert under the same token, which ClickHouse recognises.
import {
  batchLengths,
  noteText,
  waitBeforeBatchMs,
  type BatchLimits,
  type BatchPart,
} from '../core/warehouse/batch'
import type { IncomingRecord } from '../runtime/kafka'
import { PartitionQueue, type HiddenRange, type QueuePorts } from './partition-queue'

export interface PartitionStart {
  readonly partition: number
  /** Offset of the first record not yet written. */
  readonly position: number
  /** A batch that may already have been inserted, with a part of this partition; null for none. */
  readonly interrupted: readonly BatchPart[] | null
}

export interface CommittedPosition {
  readonly partition: number
  readonly offset: number
  readonly note: string
}

export interface TopicPorts extends QueuePorts {
  /** Commits positions and the notes beside them. Throws once a partition is no longer ours. */
  readonly commit: (positions: readonly CommittedPosition[]) => Promise<void>
  /** Throws once a partition is no longer ours. */
  readonly write: (records: readonly IncomingRecord[]) => Promise<void>
  /** The records of a batch, part by part, read again from Kafka. */
  readonly reread: (parts: readonly BatchPart[]) => Promise<IncomingRecord[]>
  /** Notes offsets at which there is nothing to be read; null where nobody follows offsets one by one. */
  readonly passOver: ((hidden: readonly HiddenRange[]) => Promise<void>) | null
}

interface InterruptedBatch {
  readonly parts: readonly BatchPart[]
  /** Those of its partitions that are ours. */
  readonly queues: PartitionQueue[]
}

/** Only a backlog fills several, one partition or a few in each. */
const batchesAtOnce = 4

export class TopicWriter {
  readonly #limits: BatchLimits
  readonly #ports: TopicPorts
  readonly #queues: ReadonlyMap<number, PartitionQueue>
  /** By what their notes say: the same of all partitions of a batch. */
  readonly #interrupted = new Map<string, InterruptedBatch>()
  /** Partitions whose positions have moved since they were committed. */
  readonly #moved = new Set<PartitionQueue>()
  #underWay = 0
  #lastBatchAtMs = 0
  #failure: { readonly error: unknown } | null = null
  #ended = false
  #wake: () => void = () => undefined

  constructor(starts: readonly PartitionStart[], limits: BatchLimits, ports: TopicPorts) {
    this.#limits = limits
    this.#ports = ports
    this.#queues = new Map(
      starts.map(({ partition, position, interrupted }) => {
        const own = interrupted?.find((part) => part.partition === partition)
        const start = { partition, position, interrupted: own?.last ?? null }
        const queue = new PartitionQueue(start, limits, ports)
        if (interrupted !== null) this.#remember(interrupted, queue)
        return [partition, queue]
      }),
    )
  }

  queue(partition: number): PartitionQueue | undefined {
    return this.#queues.get(partition)
  }

  /** To be called when something has come into a queue. */
  look(): void {
    this.#wake()
  }

  /** Writes until `end` is called; batches under way are finished first. */
  async run(): Promise<void> {
    for (const { parts, queues } of this.#interrupted.values()) {
      await this.#ports.write(await this.#ports.reread(parts))
      for (const queue of queues) this.#wrote(queue)
    }
    for (;;) {
      if (this.#failure !== null) throw this.#failure.error
      const waitMs = this.#ended ? Infinity : this.#waitMs()
      if (waitMs === 0) await this.#beginBatch()
      else if (this.#moved.size > 0) await this.#commit([], '')
      else if (this.#ended && this.#underWay === 0) return
      else await this.#sleep(waitMs)
    }
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  #remember(parts: readonly BatchPart[], queue: PartitionQueue): void {
    const note = noteText(parts)
    const known = this.#interrupted.get(note)
    if (known === undefined) this.#interrupted.set(note, { parts, queues: [queue] })
    else known.queues.push(queue)
  }

  /** Queues from which a batch may be taken, longest waiting first. */
  #ready(): PartitionQueue[] {
    return [...this.#queues.values()]
      .filter(({ busy, waiting }) => !busy && waiting.length > 0)
      .sort((one, other) => one.sinceMs - other.sinceMs)
  }

  #waitMs(): number {
    const ready = this.#ready()
    const oldest = ready[0]
    if (oldest === undefined || this.#underWay >= batchesAtOnce) return Infinity
    return waitBeforeBatchMs(
      {
        records: ready.reduce((sum, { waiting }) => sum + waiting.length, 0),
        bytes: ready.reduce((sum, { bytes }) => sum + bytes, 0),
        sinceMs: oldest.sinceMs,
        caughtUp: ready.every(({ caughtUp }) => caughtUp),
        underWay: this.#underWay > 0,
        lastBatchAtMs: this.#lastBatchAtMs,
      },
      this.#limits,
      this.#ports.now(),
    )
  }

  async #beginBatch(): Promise<void> {
    const ready = this.#ready()
    const lengths = batchLengths(
      ready.map(({ waiting }) => waiting),
      this.#limits,
    )
    const queues = ready.filter((_, at) => (lengths[at] ?? 0) > 0)
    const taken = queues.map((queue) => queue.take(lengths[ready.indexOf(queue)] ?? 0))
    const parts = taken.map((records, at) => ({
      partition: queues[at]?.partition ?? 0,
      first: records[0]?.offset ?? 0,
      last: records.at(-1)?.offset ?? 0,
    }))
    this.#lastBatchAtMs = this.#ports.now()
    this.#underWay += 1
    await this.#commit(queues, noteText(parts))
    const finish = (failure: { readonly error: unknown } | null): void => {
      this.#underWay -= 1
      if (failure === null) for (const queue of queues) this.#wrote(queue)
      else this.#failure ??= failure
      this.#wake()
    }
    this.#ports.write(taken.flat()).then(
      () => {
        finish(null)
      },
      (error: unknown) => {
        finish({ error })
      },
    )
  }

  #wrote(queue: PartitionQueue): void {
    queue.wrote()
    this.#moved.add(queue)
  }

  /** The positions of all that have moved, and of those whose next batch is noted. */
  async #commit(noted: readonly PartitionQueue[], note: string): Promise<void> {
    const moved = [...this.#moved].filter((queue) => !noted.includes(queue))
    this.#moved.clear()
    const hidden = [...noted, ...moved].flatMap((queue) => queue.takeHidden())
    if (hidden.length > 0) await this.#ports.passOver?.(hidden)
    await this.#ports.commit([
      ...noted.map(({ partition, position }) => ({ partition, offset: position, note })),
      ...moved.map(({ partition, position }) => ({ partition, offset: position, note: '' })),
    ])
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
