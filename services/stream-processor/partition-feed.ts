// What one task of a partition is fed: what is fetched next of each topic, whether what was fetched begins there,
// and what waits to be processed. It lives as long as its task: nothing that was fetched, asked or found gone for
// one task counts for the next. States: idle, restoring (the changelog flows), idle, running (the inputs flow), ended.
import { SetupError } from '../runtime/errors'
import type { IncomingRecord } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { Batch, Consumer, TopicPartition } from '../runtime/kafka-consumer'
import { createRecordQueue, type RecordQueue } from './record-queue'
import type { StageMetrics } from './stage-metrics'
import type { StageWiring } from './stage-wiring'

/** Steps of the walk, of half a second each unless told, after which what does not come is waited for no longer. */
const stepsWaitedMax = 10

export interface FeedOptions {
  readonly stage: { readonly name: string }
  readonly partition: number
  readonly wiring: Pick<StageWiring, 'inputs' | 'changelog' | 'loop'>
  readonly consumer: Consumer
  readonly admin: Pick<KafkaAdmin, 'bounds'>
  readonly metrics: Pick<StageMetrics, 'lag' | 'queued'>
  readonly limits: FeedLimits
}

export interface FeedLimits {
  readonly queueRecordsMax: number
  readonly queueBytesMax: number
}

/** Where an input is to be read on, and where it ends so far. */
export interface InputStart {
  readonly topic: string
  readonly offset: number
  readonly end: number
}

interface Restoring {
  /** @returns true once the state is complete */
  readonly apply: (records: readonly IncomingRecord[]) => Promise<boolean>
  readonly done: () => void
}

export class PartitionFeed {
  readonly #options: FeedOptions
  readonly #queue: RecordQueue
  /** Offset to fetch next, by topic. */
  readonly #nextFetch = new Map<string, number>()
  /** Offset that was last asked for again, and where the batch began that came instead, by topic. */
  readonly #askedAgain = new Map<string, { readonly expected: number; readonly came: number }>()
  /** Where each input ended when it was last heard of. */
  readonly #ends = new Map<string, number>()
  /** Next offset after what was queued last, by topic. */
  readonly #queuedUpTo = new Map<string, number>()
  #phase: 'idle' | 'restoring' | 'running' | 'ended' = 'idle'
  #restoring: Restoring | null = null
  #applying: Promise<unknown> = Promise.resolve()
  #missing: SetupError | null = null
  /** Topics of which enough waits. */
  readonly #full = new Set<string>()
  /** Offset that is waited for, and for how many steps it has been, by topic. */
  readonly #waits = new Map<string, { readonly next: number; readonly steps: number }>()

  constructor(options: FeedOptions) {
    this.#options = options
    this.#queue = createRecordQueue(options.wiring.inputs, options.wiring.loop)
  }

  /** Has the changelog flow into `apply` from an offset on. Resolves once that says that the state is complete, or
   * this has ended. */
  async restore(from: number, apply: Restoring['apply']): Promise<void> {
    const { consumer, wiring, partition } = this.#options
    const changelog = { topic: wiring.changelog, partition }
    const done = new Promise<void>((resolve) => {
      this.#restoring = { apply, done: resolve }
    })
    this.#phase = 'restoring'
    this.#nextFetch.set(wiring.changelog, from)
    consumer.seek({ ...changelog, offset: from })
    consumer.resume([changelog])
    await done
  }

  /** Has the inputs flow. */
  start(starts: readonly InputStart[]): void {
    const { consumer, partition } = this.#options
    this.#phase = 'running'
    for (const { topic, offset, end } of starts) {
      this.#nextFetch.set(topic, offset)
      this.#ends.set(topic, end)
      consumer.seek({ topic, partition, offset })
    }
    consumer.resume(this.#flowing())
  }

  /** Said with every step of the walk. What an input is waited for in many of them is waited for no longer: it may be
   * hidden, or its broker away. */
  losePatience(): void {
    for (const topic of this.#options.wiring.inputs) {
      const next = this.#nextFetch.get(topic)
      if (next === undefined || !this.#isAwaited(topic)) continue
      const wait = this.#waits.get(topic)
      this.#waits.set(topic, { next, steps: wait?.next === next ? wait.steps + 1 : 1 })
    }
  }

  /** A rebalance left the partition here, with everything paused: fetch on where we were, not where the group last
   * committed. What was asked for again may have been forgotten. */
  reassigned(): void {
    if (this.#phase === 'ended') return
    const { consumer, partition, wiring } = this.#options
    this.#askedAgain.clear()
    for (const [topic, offset] of this.#nextFetch) consumer.seek({ topic, partition, offset })
    if (this.#phase === 'restoring') consumer.resume([{ topic: wiring.changelog, partition }])
    if (this.#phase === 'running') consumer.resume(this.#flowing())
  }

  async hear(batch: Batch): Promise<void> {
    const { topic } = batch
    const phase = topic === this.#options.wiring.changelog ? 'restoring' : 'running'
    const expected = this.#nextFetch.get(topic)
    if (expected === undefined || this.#phase !== phase) return
    if (batch.fetchedOffset > expected) {
      const low = await this.#lowOf(topic)
      // Meanwhile this may have ended: the next task expects something else.
      if (this.#phase !== phase || this.#leapt(batch, { expected, low })) return
    }
    // After a rebalance kafkajs may hand over once more what was fetched before it.
    const records = batch.records.filter(({ offset }) => offset >= expected)
    // Only what has been applied or queued counts as heard: a failure is followed by the same batch again.
    if (phase === 'restoring') await this.#apply(records)
    else this.#enqueue(batch, records)
    this.#nextFetch.set(topic, Math.max(expected, batch.lastOffset + 1))
    this.#askedAgain.delete(topic)
  }

  /** What was found to be gone before it was processed; null while nothing is. */
  missing(): SetupError | null {
    return this.#missing
  }

  /** Up to `max` records to process, and room for as many. While one input has more that has not come yet, nothing is
   * taken of the others: what reached its topic first is not known. */
  take(max: number): IncomingRecord[] {
    const records = this.#queue.take(max, (topic) => this.#isAwaited(topic))
    this.#bound()
    return records
  }

  /** Lets records gather for some time, until there are `max`, or a node of another partition has said something: what
   * an order waits for comes that way. */
  async gather(longestMs: number, max: number): Promise<void> {
    const { loop } = this.#options.wiring
    const untilMs = performance.now() + longestMs
    const mayWait = (): boolean =>
      this.#phase === 'running' &&
      this.#queue.length() < max &&
      (loop === null || this.#queue.waiting(loop).records === 0)
    for (let leftMs = longestMs; leftMs > 0 && mayWait(); leftMs = untilMs - performance.now()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        void this.#queue.pushed().then(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** After nothing was there to take: resolves when there may be; at once when this has ended. */
  filled(): Promise<void> {
    return this.#phase === 'ended' ? Promise.resolve() : this.#queue.pushed()
  }

  wake(): void {
    this.#queue.wake()
  }

  /** Inputs of which something is not processed that was there when they were last heard of. Hidden records at their
   * end count as well, until the next visible one: too many rather than too few.
   * @param positions next offset to process of each input */
  behind(positions: Readonly<Record<string, number>>): string[] {
    return this.#options.wiring.inputs.filter((topic) => {
      const unfetched = (this.#nextFetch.get(topic) ?? 0) < (this.#ends.get(topic) ?? 0)
      return unfetched || (positions[topic] ?? 0) < (this.#queuedUpTo.get(topic) ?? 0)
    })
  }

  isRunning(): boolean {
    return this.#phase === 'running'
  }

  /** Pauses everything; what is handed over from now on is not heard. */
  end(): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#restoring?.done()
    this.#queue.wake()
    this.#options.consumer.pause(everyTopic(this.#options))
  }

  /** Resolves when nothing of the changelog is being applied any more. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.#applying])
  }

  async #apply(records: readonly IncomingRecord[]): Promise<void> {
    const { consumer, partition, wiring } = this.#options
    const applying = this.#restoring?.apply(records) ?? Promise.resolve(false)
    this.#applying = applying
    if (!(await applying) || this.#phase !== 'restoring') return
    this.#phase = 'idle'
    consumer.pause([{ topic: wiring.changelog, partition }])
    this.#restoring?.done()
  }

  #enqueue({ topic, highWatermark, lastOffset }: Batch, records: readonly IncomingRecord[]): void {
    const { metrics, partition } = this.#options
    this.#ends.set(topic, highWatermark)
    const last = records.at(-1)
    if (last !== undefined) this.#queuedUpTo.set(topic, last.offset + 1)
    this.#queue.push(records)
    metrics.lag(topic, partition, highWatermark - lastOffset - 1)
    this.#bound()
  }

  /**
   * A batch begins beyond what is expected next. Either kafkajs has resolved a batch of before a rebalance, or
   * started over because the log begins later now: both would be a loss. Or it has skipped records that are
   * hidden, aborted ones: then asking again for what is expected leads to the same batch, or one that begins before it.
   * @returns whether this batch is not to be used: it was asked for again, or something is missing
   */
  #leapt(
    { topic, fetchedOffset: came }: Batch,
    { expected, low }: { expected: number; low: number },
  ): boolean {
    const { partition, consumer } = this.#options
    if (expected < low) {
      this.#missing = lost(topic, partition, { from: expected, to: low })
      this.#queue.wake()
      return true
    }
    const asked = this.#askedAgain.get(topic)
    if (asked?.expected === expected && came <= asked.came) return false
    this.#askedAgain.set(topic, { expected, came })
    consumer.seek({ topic, partition, offset: expected })
    return true
  }

  async #lowOf(topic: string): Promise<number> {
    const { admin, partition } = this.#options
    const bounds = await admin.bounds(topic)
    return bounds.find((one) => one.partition === partition)?.low ?? 0
  }

  /** Stops fetching a topic while too much of it waits, goes on when half of that is gone. Each for itself: a full
   * lane must not keep from us what came before it in another. */
  #bound(): void {
    const { consumer, limits, metrics, stage, partition, wiring } = this.#options
    metrics.queued(stage.name, partition, this.#queue.length())
    if (this.#phase !== 'running') return
    const recordsMax = limits.queueRecordsMax / wiring.inputs.length
    const bytesMax = limits.queueBytesMax / wiring.inputs.length
    for (const topic of wiring.inputs) {
      const { records, bytes } = this.#queue.waiting(topic)
      const isFull = this.#full.has(topic)
      if (!isFull && (records > recordsMax || bytes > bytesMax)) {
        this.#full.add(topic)
        consumer.pause([{ topic, partition }])
      } else if (isFull && records < recordsMax / 2 && bytes < bytesMax / 2) {
        this.#full.delete(topic)
        consumer.resume([{ topic, partition }])
      }
    }
  }

  /** Nothing of it waits here although there is more. What nodes say to one another has no such order. */
  #isAwaited(topic: string): boolean {
    const next = this.#nextFetch.get(topic) ?? 0
    const wait = this.#waits.get(topic)
    return (
      topic !== this.#options.wiring.loop &&
      this.#queue.waiting(topic).records === 0 &&
      next < (this.#ends.get(topic) ?? 0) &&
      !(wait?.next === next && wait.steps >= stepsWaitedMax)
    )
  }

  /** Inputs that are fetched, for all that waits. */
  #flowing(): TopicPartition[] {
    const { wiring, partition } = this.#options
    return wiring.inputs
      .filter((topic) => !this.#full.has(topic))
      .map((topic) => ({ topic, partition }))
  }
}

/** What a partition is made of at the consumer. */
export function everyTopic({
  wiring,
  partition,
}: Pick<FeedOptions, 'wiring' | 'partition'>): TopicPartition[] {
  return [...wiring.inputs, wiring.changelog].map((topic) => ({ topic, partition }))
}

/** What must be said when offsets are gone that are still needed. */
export function lost(
  topic: string,
  partition: number,
  { from, to }: { readonly from: number; readonly to: number },
): SetupError {
  return new SetupError(
    `offsets ${from} to ${to - 1} of ${topic}-${partition} were deleted before they were processed: ` +
      'they are lost; to go on without them, reset the stage',
  )
}
