// Keeps one partition of a stage running for as long as it is assigned here: one tenure after the other, each of
// which restores the state and takes batches until a commit fails. The store stays; all else is made anew.
import { setTimeout as pause } from 'node:timers/promises'
import { DependencyError } from '../runtime/errors'
import type { Health } from '../runtime/health'
import type { Batch } from '../runtime/kafka-consumer'
import { retry, type RetryOptions } from '../runtime/retry'
import { everyTopic } from './partition-feed'
import { PartitionTenure, type TenureLimits, type TenureOptions } from './partition-tenure'
import type { PartitionStore, StageLog } from './ports'
import type { Census } from './state-walk'
import { createPurges, type Purges } from './store-purges'

export interface RunnerLimits extends TenureLimits {
  /** Shortest time between two rewritings of a store, which hold its partition up. */
  readonly purgeIntervalMs: number
}

export interface RunnerOptions extends Omit<
  TenureOptions,
  'log' | 'store' | 'census' | 'purges' | 'limits'
> {
  readonly health: Health
  readonly limits: RunnerLimits
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

/** What outlives a tenure. */
interface Lasting {
  readonly store: PartitionStore
  readonly census: Census
  readonly purges: Purges
}

export class PartitionRunner {
  readonly #options: RunnerOptions
  readonly #name: string
  readonly #ended: Promise<void>
  #tenure: PartitionTenure | null = null
  #closed = false

  /** `after` resolves when an earlier runner of the partition has let go of the store. */
  constructor(options: RunnerOptions, after: Promise<void>) {
    this.#options = options
    this.#name = `${options.stage.name}-${options.partition}`
    options.health.unwell(this.#name, 'restoring')
    options.consumer.pause(everyTopic(options))
    this.#ended = after.then(() => this.#run()).catch(options.crash)
  }

  /** A rebalance left the partition here. What is paused is said again, since a consumer that started over has
   * forgotten it. */
  reassigned(): void {
    this.#options.consumer.pause(everyTopic(this.#options))
    this.#tenure?.reassigned()
  }

  async hear(batch: Batch): Promise<void> {
    await this.#tenure?.hear(batch)
  }

  /** Positions that are in the changelog, for lag displays and for deleting what nobody needs any more. */
  durablePositions(): Readonly<Record<string, number>> {
    return this.#tenure?.durablePositions() ?? {}
  }

  /** Has positions that went on without anything to write put into the changelog too. */
  flush(): void {
    this.#tenure?.flush()
  }

  /** Has the state gone through one step further, before the next batch. */
  walk(): void {
    this.#tenure?.walk()
  }

  /** Ends after the batch under way. */
  async close(): Promise<void> {
    this.#closed = true
    // From now on it is the next runner's to say how the partition is.
    this.#options.health.well(this.#name)
    this.#tenure?.end()
    await this.#ended
  }

  async #run(): Promise<void> {
    if (!this.#isOpen()) return
    const lasting = this.#openLasting()
    try {
      while (this.#isOpen()) await this.#hold(lasting)
    } catch (error) {
      if (this.#isOpen() || !(error instanceof DependencyError)) throw error
    } finally {
      await this.#tenure?.close()
      await lasting.store.close()
    }
  }

  #openLasting(): Lasting {
    const { openStore, openCensus, partition, limits, logger, now, stage } = this.#options
    const store = openStore(partition)
    const purges = createPurges(store, {
      ...{ intervalMs: limits.purgeIntervalMs, now },
      onPurged: () => {
        logger.info({ stage: stage.name, partition }, 'rewrote the store without what was deleted')
      },
    })
    return { store, purges, census: openCensus(partition) }
  }

  /** Opens the partition, however often that must be tried, and works until a commit fails. */
  async #hold(lasting: Lasting): Promise<void> {
    const { health, logger, metrics, stage, partition, patience = realPatience } = this.#options
    const goOn = (): boolean => this.#isOpen()
    const tenure = await patience.retry(() => this.#open(lasting), {
      ...{ health, maxPauseMs: 2_000, goOn },
    })
    if (!this.#isOpen()) return
    health.well(this.#name)
    const failure = await tenure.work()
    // Closed meanwhile: opening again would fence whoever has the partition now.
    if (failure === null || !this.#isOpen()) return
    logger.warn({ stage: stage.name, partition, err: failure }, 'reopening')
    metrics.reopened(stage.name)
    health.unwell(this.#name, 'reopening after a failed commit')
    await tenure.close()
    await patience.pause(reopenPauseMaxMs)
  }

  async #open({ store, census, purges }: Lasting): Promise<PartitionTenure> {
    // Of a try that failed half way.
    await this.#tenure?.close()
    census.roundBroken()
    const log = this.#options.openLog(this.#options.partition)
    const tenure = new PartitionTenure({ ...this.#options, log, store, census, purges })
    this.#tenure = tenure
    if (this.#isOpen()) await tenure.open()
    else tenure.end()
    return tenure
  }

  #isOpen(): boolean {
    return !this.#closed
  }
}
