// Keeps one partition of a stage running for as long as it is assigned here: opens and restores its task,
// feeds it batches, and after a failed commit opens it again. It is told what was fetched; what to fetch it
// tells the consumer.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { DependencyError, SetupError } from '../runtime/errors'
import type { IncomingRecord } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { Batch, Consumer, TopicPartition } from '../runtime/kafka-consumer'
import type { Health } from '../runtime/health'
import type { Logger } from '../runtime/logger'
import { retry, type RetryOptions } from '../runtime/retry'
import { PartitionTask, type TaskHeed, type TaskOptions } from './partition-task'
import type { PartitionStore, StageLog } from './ports'
import { createRecordQueue, type RecordQueue } from './record-queue'
import type { Census } from './state-walk'

export interface RunnerLimits {
  readonly batchRecordsMax: number
  readonly queueRecordsMax: number
  readonly queueBytesMax: number
  /** Shortest time between two rewritings of a store, which hold its partition up. */
  readonly purgeIntervalMs: number
}

export interface RunnerOptions extends Omit<TaskOptions, 'log' | 'store' | 'census' | 'heed'> {
  readonly consumer: Consumer
  readonly admin: Pick<KafkaAdmin, 'bounds'>
  readonly health: Health
  readonly logger: Logger
  readonly limits: RunnerLimits
  /** Epoch ms. */
  readonly now: () => number
  /** Counts what a partition holds. */
  readonly openCensus: (partition: number) => Census
  readonly openStore: (partition: number) => PartitionStore
  readonly openLog: (partition: number) => StageLog
  /** Called with an error nobody can mend from inside. */
  readonly crash: (error: unknown) => void
  /** How it waits; by default as the clock on the wall goes. */
  readonly patience?: Patience
}

export interface Patience {
  retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T>
  /** Waits for some time up to this. */
  pause(longestMs: number): Promise<void>
}

const realPatience: Patience = {
  retry,
  pause: (longestMs) => pause(Math.random() * longestMs),
}

/** A dependency that fails every batch must not be asked without end. */
const reopenPauseMaxMs = 500

type Phase = 'opening' | 'restoring' | 'running' | 'closed'

export class PartitionRunner {
  readonly #options: RunnerOptions
  readonly #name: string
  readonly #queue: RecordQueue
  /** Offset to fetch next, by topic. */
  readonly #nextFetch = new Map<string, number>()
  /** Offset that was last asked for a second time, by topic. */
  readonly #askedAgain = new Map<string, number>()
  readonly #ended: Promise<void>
  #phase: Phase = 'opening'
  #task: PartitionTask | null = null
  #store: PartitionStore | null = null
  #log: StageLog | null = null
  #census: Census | null = null
  #restored: (() => void) | null = null
  #restoring: Promise<unknown> = Promise.resolve()
  /** What was found to be gone, until it is known whose loss that is. */
  #missing: SetupError | null = null
  #flushDue = false
  #walkDue = false
  #mayPurgeAtMs = 0
  #full = false

  /** `after` resolves when an earlier runner of the partition has let go of the store. */
  constructor(options: RunnerOptions, after: Promise<void>) {
    this.#options = options
    this.#name = `${options.stage.name}-${options.partition}`
    this.#queue = createRecordQueue(options.wiring.loop)
    options.health.unwell(this.#name, 'restoring')
    options.consumer.pause(this.#all())
    this.#ended = after.then(() => this.#run()).catch(options.crash)
  }

  /** A rebalance left the partition here: fetch on where we were, not where the group last committed. What is
   * paused is said again, since a consumer that started over has forgotten it. */
  reassigned(): void {
    const { consumer, partition, wiring } = this.#options
    for (const [topic, offset] of this.#nextFetch) consumer.seek({ topic, partition, offset })
    consumer.pause(this.#all())
    if (this.#phase === 'restoring') consumer.resume([{ topic: wiring.changelog, partition }])
    if (this.#phase === 'running' && !this.#full) consumer.resume(this.#inputs())
  }

  async hear(batch: Batch): Promise<void> {
    const { wiring } = this.#options
    const expected = this.#nextFetch.get(batch.topic)
    const restoring = batch.topic === wiring.changelog
    if (expected === undefined || this.#phase !== (restoring ? 'restoring' : 'running')) return
    if (batch.fetchedOffset > expected && (await this.#leapt(batch, expected))) return
    // After a rebalance kafkajs may hand over once more what was fetched before it.
    const records = batch.records.filter(({ offset }) => offset >= expected)
    // Only what has been applied or queued counts as heard: a failure is followed by the same batch again.
    if (restoring) await this.#restore(records)
    else this.#enqueue(batch, records)
    this.#nextFetch.set(batch.topic, Math.max(expected, batch.lastOffset + 1))
  }

  async #restore(records: readonly IncomingRecord[]): Promise<void> {
    const restoring = this.#task?.restore(records) ?? Promise.resolve(false)
    this.#restoring = restoring
    if (await restoring) this.#restored?.()
  }

  #enqueue({ topic, highWatermark, lastOffset }: Batch, records: readonly IncomingRecord[]): void {
    const { metrics, partition } = this.#options
    this.#queue.push(records)
    metrics.lag(topic, partition, highWatermark - lastOffset - 1)
    this.#bound()
  }

  /** Positions that are in the changelog, for lag displays and for deleting what nobody needs any more. */
  durablePositions(): Readonly<Record<string, number>> {
    return this.#phase === 'running' ? (this.#store?.mark().positions ?? {}) : {}
  }

  /** Has positions that went on without anything to write put into the changelog too. */
  flush(): void {
    this.#flushDue = true
    this.#queue.wake()
  }

  /** Has the state gone through one step further, before the next batch. */
  walk(): void {
    this.#walkDue = true
    this.#queue.wake()
  }

  /** Ends after the batch under way. */
  async close(): Promise<void> {
    this.#phase = 'closed'
    this.#queue.wake()
    this.#restored?.()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { health, logger, metrics, stage, patience = realPatience } = this.#options
    this.#store = this.#options.openStore(this.#options.partition)
    try {
      while (this.#isOpen()) {
        await patience.retry(() => this.#open(), {
          health,
          maxPauseMs: 2_000,
          goOn: () => this.#isOpen(),
        })
        if (!this.#isOpen()) break
        health.well(this.#name)
        const failure = await this.#work()
        // Closed meanwhile: opening again would fence whoever has the partition now.
        if (failure === null || !this.#isOpen()) break
        logger.warn(
          { stage: stage.name, partition: this.#options.partition, err: failure },
          'reopening',
        )
        metrics.reopened(stage.name)
        health.unwell(this.#name, 'reopening after a failed commit')
        this.#phase = 'opening'
        this.#options.consumer.pause(this.#all())
        this.#queue.clear()
        await this.#closeLog()
        await patience.pause(reopenPauseMaxMs)
      }
    } catch (error) {
      if (this.#isOpen() || !(error instanceof DependencyError)) throw error
    } finally {
      health.well(this.#name)
      await this.#closeLog()
      await Promise.allSettled([this.#restoring])
      await this.#store.close()
    }
  }

  /** Fences, restores, and lets the inputs flow from where the state stands. */
  async #open(): Promise<void> {
    const { consumer, partition, wiring, openLog, logger, stage } = this.#options
    assert(this.#store !== null)
    if (!this.#isOpen()) return
    // Also after a try that failed half way: what is still fetched then is not for the new task.
    this.#phase = 'opening'
    this.#missing = null
    await this.#closeLog()
    this.#log = openLog(partition)
    this.#census?.roundBroken()
    this.#census ??= this.#options.openCensus(partition)
    this.#task = new PartitionTask({
      ...this.#options,
      ...{ log: this.#log, store: this.#store, census: this.#census },
      heed: this.#heed(),
    })
    const from = await this.#task.open()
    if (!this.#isOpen()) return
    const restored = new Promise<void>((resolve) => {
      this.#restored = resolve
    })
    this.#phase = 'restoring'
    const changelog = { topic: wiring.changelog, partition }
    this.#nextFetch.set(wiring.changelog, from)
    consumer.seek({ ...changelog, offset: from })
    consumer.resume([changelog])
    await restored
    consumer.pause([changelog])
    if (!this.#isOpen()) return
    await this.#startInputs()
    logger.info({ stage: stage.name, partition, reason: `restored from ${from}` }, 'assigned')
  }

  #heed(): TaskHeed {
    const { logger, stage, partition } = this.#options
    const of = { stage: stage.name, partition }
    return {
      fault: (err) => {
        logger.error({ ...of, err }, 'a node could not be looked after')
      },
      adopted: (epoch) => {
        logger.info({ ...of, reason: `epoch ${epoch}` }, 'new settings: orders are credited anew')
      },
      settled: (epoch) => {
        logger.info({ ...of, reason: `epoch ${epoch}` }, 'every order is credited under them')
      },
    }
  }

  async #startInputs(): Promise<void> {
    const { consumer, admin, partition, wiring } = this.#options
    const positions = this.#task?.positions() ?? {}
    const starts: (TopicPartition & { offset: number })[] = []
    for (const topic of wiring.inputs) {
      const bounds = (await admin.bounds(topic)).find((one) => one.partition === partition)
      const low = bounds?.low ?? 0
      const position = positions[topic] ?? low
      if (position < low) await this.#refuse(lost(topic, partition, { from: position, to: low }))
      if (position > (bounds?.high ?? 0)) throw recreated(topic, partition, position)
      starts.push({ topic, partition, offset: position })
    }
    if (!this.#isOpen()) return
    this.#phase = 'running'
    this.#full = false
    for (const start of starts) {
      this.#nextFetch.set(start.topic, start.offset)
      consumer.seek(start)
    }
    consumer.resume(this.#inputs())
  }

  /** @returns the error that made the outcome of a commit unknown; null when the partition is closed */
  async #work(): Promise<DependencyError | null> {
    const { limits } = this.#options
    try {
      while (this.#isOpen()) {
        if (this.#walkDue) await this.#walk()
        if (this.#missing !== null) await this.#refuse(this.#missing)
        const records = this.#queue.take(limits.batchRecordsMax)
        if (records.length > 0) await this.#task?.process(records)
        else if (this.#flushDue) await this.#flush()
        else if (this.#mayPurge()) await this.#purge()
        else await this.#queue.filled()
        this.#bound()
      }
      await this.#flush()
    } catch (error) {
      if (error instanceof DependencyError) return error
      throw error
    }
    return null
  }

  /** Who lost the partition unheard finds gone what the next owner has processed: nothing is missing then. Only who
   * still owns it can write to its changelog.
   * @throws what is missing, or a DependencyError when the partition is another's by now */
  async #refuse(missing: SetupError): Promise<never> {
    await this.#task?.confirm()
    throw missing
  }

  async #flush(): Promise<void> {
    this.#flushDue = false
    await this.#task?.flush()
  }

  async #walk(): Promise<void> {
    this.#walkDue = false
    await this.#task?.walk(this.#options.now())
  }

  #mayPurge(): boolean {
    return this.#store?.purgeDue() === true && this.#options.now() >= this.#mayPurgeAtMs
  }

  /** While nothing waits: the rewriting of a large store takes seconds. */
  async #purge(): Promise<void> {
    const { limits, logger, now, partition, stage } = this.#options
    this.#mayPurgeAtMs = now() + limits.purgeIntervalMs
    await this.#store?.purge()
    logger.info({ stage: stage.name, partition }, 'rewrote the store without what was deleted')
  }

  /** Stops fetching while too much waits, goes on when half of it is gone. */
  #bound(): void {
    const { consumer, limits, metrics, stage, partition } = this.#options
    const [records, bytes] = [this.#queue.length(), this.#queue.bytes()]
    metrics.queued(stage.name, partition, records)
    if (!this.#full && (records > limits.queueRecordsMax || bytes > limits.queueBytesMax)) {
      this.#full = true
      consumer.pause(this.#inputs())
    } else if (
      this.#full &&
      records < limits.queueRecordsMax / 2 &&
      bytes < limits.queueBytesMax / 2
    ) {
      this.#full = false
      consumer.resume(this.#inputs())
    }
  }

  /**
   * A batch begins beyond what is expected next. Either kafkajs has resolved a batch of before a rebalance, or
   * started over because the log begins later now: both would be a loss. Or it has skipped records that are
   * hidden, aborted ones: then asking again for what is expected leads to the same batch.
   * @returns whether this batch is not to be used: it was asked for again, or something is missing
   */
  async #leapt({ topic }: Batch, expected: number): Promise<boolean> {
    const { admin, partition, consumer } = this.#options
    const bounds = (await admin.bounds(topic)).find((one) => one.partition === partition)
    const low = bounds?.low ?? 0
    if (expected < low) {
      this.#missing = lost(topic, partition, { from: expected, to: low })
      this.#queue.wake()
      return true
    }
    if (this.#askedAgain.get(topic) === expected) return false
    this.#askedAgain.set(topic, expected)
    consumer.seek({ topic, partition, offset: expected })
    return true
  }

  async #closeLog(): Promise<void> {
    const log = this.#log
    this.#log = null
    await log?.close()
  }

  #isOpen(): boolean {
    return this.#phase !== 'closed'
  }

  #inputs(): TopicPartition[] {
    return this.#options.wiring.inputs.map((topic) => ({
      topic,
      partition: this.#options.partition,
    }))
  }

  #all(): TopicPartition[] {
    const { wiring, partition } = this.#options
    return [...this.#inputs(), { topic: wiring.changelog, partition }]
  }
}

function recreated(topic: string, partition: number, position: number): SetupError {
  return new SetupError(
    `${topic}-${partition} ends before offset ${position}, up to which it was processed: it was made anew or cut; ` +
      'to read it from its beginning, reset the stage',
  )
}

function lost(
  topic: string,
  partition: number,
  { from, to }: { from: number; to: number },
): SetupError {
  return new SetupError(
    `offsets ${from} to ${to - 1} of ${topic}-${partition} were deleted before they were processed: ` +
      'they are lost; to go on without them, reset the stage',
  )
}
