// One attempt to own a partition: from opening a task until it fails or the partition goes. What belongs to it (log,
// task, feed) goes with it, and nothing that was under way for it reaches the next one.
import { DependencyError, SetupError } from '../runtime/errors'
import type { Logger } from '../runtime/logger'
import {
  lost,
  PartitionFeed,
  type FeedLimits,
  type FeedOptions,
  type InputStart,
} from './partition-feed'
import { PartitionTask, type TaskHeed, type TaskOptions } from './partition-task'
import type { IncomingRecord } from '../runtime/kafka'
import type { Batch } from '../runtime/kafka-consumer'
import type { Purges } from './store-purges'

export interface TenureOptions
  extends Omit<TaskOptions, 'heed'>, Omit<FeedOptions, 'stage' | 'wiring' | 'metrics'> {
  readonly logger: Logger
  /** Epoch ms. */
  readonly now: () => number
  readonly limits: TenureLimits
  readonly purges: Purges
}

export interface TenureLimits extends FeedLimits {
  readonly batchRecordsMax: number
  /** Shortest time from the beginning of one batch to that of the next, unless as much waits as one may hold, or
   * a node of another partition has said something. */
  readonly batchWaitMs: number
}

export class PartitionTenure {
  readonly #options: TenureOptions
  readonly #task: PartitionTask
  readonly #feed: PartitionFeed
  #ended = false
  #flushDue = false
  #walkDue = false
  #lastBatchAtMs = -Infinity

  constructor(options: TenureOptions) {
    this.#options = options
    this.#task = new PartitionTask({ ...options, heed: heedFor(options) })
    this.#feed = new PartitionFeed(options)
  }

  /** Fences older owners, restores, and lets the inputs flow from where the state stands; less where it ends meanwhile.
   * @throws DependencyError when another attempt is needed; SetupError when something is gone */
  async open(): Promise<void> {
    const { logger, stage, partition } = this.#options
    const from = await this.#task.open()
    if (this.#hasEnded()) return
    await this.#feed.restore(from, (records) => this.#task.restore(records))
    if (this.#hasEnded()) return
    const starts = await this.#findStarts()
    if (this.#hasEnded()) return
    this.#feed.start(starts)
    logger.info({ stage: stage.name, partition, reason: `restored from ${from}` }, 'assigned')
  }

  /** Takes batches until it ends or fails.
   * @returns the error that made the outcome of a commit unknown; null when it was ended */
  async work(): Promise<DependencyError | null> {
    try {
      while (!this.#hasEnded()) await this.#workOnce()
      await this.#flush()
    } catch (error) {
      if (error instanceof DependencyError) return error
      throw error
    }
    return null
  }

  hear(batch: Batch): Promise<void> {
    return this.#feed.hear(batch)
  }

  reassigned(): void {
    this.#feed.reassigned()
  }

  /** Positions that are in the changelog. */
  durablePositions(): Readonly<Record<string, number>> {
    return this.#feed.isRunning() ? this.#options.store.mark().positions : {}
  }

  flush(): void {
    this.#flushDue = true
    this.#feed.wake()
  }

  walk(): void {
    this.#walkDue = true
    this.#feed.wake()
  }

  /** Nothing is heard from now on; what is under way comes to its end. */
  end(): void {
    this.#ended = true
    this.#feed.end()
  }

  /** Resolves when nothing of it is under way any more. */
  async close(): Promise<void> {
    this.end()
    await this.#options.log.close()
    await this.#feed.ended()
  }

  #hasEnded(): boolean {
    return this.#ended
  }

  async #workOnce(): Promise<void> {
    const { limits, purges } = this.#options
    await this.#gather()
    if (this.#walkDue) await this.#walk()
    const missing = this.#feed.missing()
    if (missing !== null) await this.#refuse(missing)
    const records = this.#feed.take(limits.batchRecordsMax)
    if (records.length > 0) await this.#process(records)
    else if (this.#flushDue) await this.#flush()
    else if (purges.due()) await purges.run()
    else await this.#feed.filled()
  }

  /** What comes alone is taken at once. What comes in a stream gathers for a moment: a transaction costs the broker about
   * as much for one record as for a hundred, and one that begins while the last is being marked is sent away to try again. */
  async #gather(): Promise<void> {
    const { batchRecordsMax, batchWaitMs } = this.#options.limits
    const waitMs = this.#lastBatchAtMs + batchWaitMs - performance.now()
    await this.#feed.gather(waitMs, batchRecordsMax)
  }

  async #process(records: readonly IncomingRecord[]): Promise<void> {
    this.#lastBatchAtMs = performance.now()
    await this.#task.process(records)
  }

  async #flush(): Promise<void> {
    this.#flushDue = false
    await this.#task.flush()
  }

  async #walk(): Promise<void> {
    this.#walkDue = false
    this.#feed.losePatience()
    const behind = this.#feed.behind(this.#task.positions())
    await this.#task.walk({ nowMs: this.#options.now(), behind })
  }

  async #findStarts(): Promise<InputStart[]> {
    const { admin, partition, wiring } = this.#options
    const positions = this.#task.positions()
    const starts: InputStart[] = []
    for (const topic of wiring.inputs) {
      const bounds = (await admin.bounds(topic)).find((one) => one.partition === partition)
      const { low, high } = bounds ?? { low: 0, high: 0 }
      const offset = positions[topic] ?? low
      if (offset < low) await this.#refuse(lost(topic, partition, { from: offset, to: low }))
      if (offset > high) throw recreated(topic, partition, offset)
      starts.push({ topic, offset, end: high })
    }
    return starts
  }

  /** Who lost the partition unheard finds gone what the next owner has processed: nothing is missing then. Only who
   * still owns it can write to its changelog.
   * @throws what is missing, or a DependencyError when the partition is another's by now */
  async #refuse(missing: SetupError): Promise<never> {
    await this.#task.confirm()
    throw missing
  }
}

function heedFor({ logger, stage, partition }: TenureOptions): TaskHeed {
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

function recreated(topic: string, partition: number, position: number): SetupError {
  return new SetupError(
    `${topic}-${partition} ends before offset ${position}, up to which it was processed: it was made anew or cut; ` +
      'to read it from its beginning, reset the stage',
  )
}
