// One stream-processor process: the real runners of each stage, on a consumer, a log and a store in memory. It
// dies without a word, is stopped in order, or goes on while others believe it dead.
import { isReject } from '../../services/core/reject'
import { createHealth } from '../../services/runtime/health'
import { DependencyError } from '../../services/runtime/errors'
import type { KafkaClient } from '../../services/runtime/kafka'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import type { Logger } from '../../services/runtime/logger'
import { kafkaStageLog, markKeys } from '../../services/stream-processor/kafka-stage-log'
import type { Patience, RunnerLimits } from '../../services/stream-processor/partition-runner'
import type {
  createPartitionRunners,
  PartitionRunners,
} from '../../services/stream-processor/partition-runners'
import type { StageLog } from '../../services/stream-processor/ports'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import type { StageRules } from '../../services/stream-processor/stage-rules'
import type { StageWiring } from '../../services/stream-processor/stage-wiring'
import { noCensus } from '../../services/stream-processor/state-walk'
import { noMetrics } from '../support/memory-stage'
import type { Disk } from './disk'
import type { FaultPlan } from './fault-plan'
import type { MemoryBroker } from './memory-broker'
import type { Owner, Schedule } from './schedule'
import type { GroupMember, StageGroup } from './stage-group'
import { connectProducer } from './transactional-producer'

export interface SimulatedStage {
  readonly stage: AnyStage
  /** The settings a process of this release brings along. */
  readonly rulesOf: (release: number) => StageRules
  readonly wiring: StageWiring
  readonly group: StageGroup
}

export interface ProcessorParts {
  readonly name: string
  readonly release: number
  readonly stages: readonly SimulatedStage[]
  readonly broker: MemoryBroker
  readonly schedule: Schedule
  readonly faults: FaultPlan
  readonly disk: Disk
  readonly limits: RunnerLimits
  /** Most entries in one step of the walk through the state. */
  readonly walkEntriesMax: number
  readonly createPartitionRunners: typeof createPartitionRunners
  /** Lets a planted bug stand between the runner and its log. */
  readonly wrapLog: (log: StageLog, wiring: StageWiring) => StageLog
  /** Lets a planted bug name producers apart that ought to fence one another. */
  readonly transactionalId: (id: string) => string
  readonly onDeath: (processor: Processor) => void
  readonly onCrash: (processor: Processor, error: unknown) => void
}

/** A stage as it runs in this process. */
interface Running {
  readonly name: string
  readonly wiring: StageWiring
  readonly runners: PartitionRunners
  readonly member: GroupMember
}

const transactionTimeoutMs = 15_000

export class Processor implements Owner {
  readonly name: string
  readonly disk: Disk
  alive = true
  readonly #parts: ProcessorParts
  readonly #running: readonly Running[]
  #stopping = false

  constructor(parts: ProcessorParts) {
    this.#parts = parts
    this.name = parts.name
    this.disk = parts.disk
    this.#running = parts.stages.map((stage) => this.#run(stage))
  }

  get release(): number {
    return this.#parts.release
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** Dead at once; the group finds out when the session times out. */
  die(): void {
    if (!this.alive) return
    this.#parts.schedule.bury(this)
    this.#parts.onDeath(this)
  }

  /** As on SIGTERM: lets go of everything, then leaves. */
  stop(): void {
    this.#stopping = true
    for (const { runners, member } of this.#running) {
      void runners.close().then(() => member.close())
    }
  }

  /** Hears of no rebalance for some time but goes on with what it has; then it asks to be let in again. */
  goDeaf(forMs: number): void {
    const hear = (deaf: boolean): void => {
      for (const { member } of this.#running) member.deaf = deaf
    }
    hear(true)
    const run = (): void => {
      hear(false)
      for (const { group } of this.#parts.stages) group.rebalance()
    }
    this.#parts.schedule.timer(this, forMs, { name: `${this.name} hears again`, run })
  }

  displace(records: number): void {
    const able = this.#running.filter(({ member }) => member.canDisplace(records))
    for (const { member } of able) member.displace(records)
  }

  /** Leaps over records; after they were handed over all the same their commit fails, and it leaps again. */
  leapTwice(records: number): void {
    const { faults } = this.#parts
    for (const { member, name, wiring } of this.#running) {
      member.leapTwice(records, ({ topic, partition, offset }) => {
        faults.refuse(`${name}-${partition}`, (committed) => {
          const last = committed.findLast(({ key }) => key === markKeys.mark)
          const mark = last === undefined ? null : wiring.marks.decode(last.value)
          return mark !== null && !isReject(mark) && (mark.positions[topic] ?? 0) > offset
        })
      })
    }
  }

  canDisplace(records: number): boolean {
    return this.alive && this.#running.some(({ member }) => member.canDisplace(records))
  }

  keepHouse(): void {
    const { broker, schedule } = this.#parts
    const admin: Pick<KafkaAdmin, 'deleteRecords'> = {
      deleteRecords: (topic, below) =>
        schedule.request(this, 'deletes records', () => {
          for (const { partition, offset } of below) {
            broker.log(topic, partition).deleteBelow(offset)
          }
        }),
    }
    for (const { runners, member } of this.#running) {
      if (!this.#stopping) void runners.keepHouse(member, admin)
    }
  }

  /** Looks at some of the state, as it does at leisure. */
  walk(): void {
    for (const { runners } of this.#running) runners.walk()
  }

  #run({ stage, rulesOf, wiring, group }: SimulatedStage) {
    const { schedule, limits, disk, release } = this.#parts
    const crash = (error: unknown): void => {
      if (this.alive) this.#parts.onCrash(this, error)
    }
    const runners = this.#parts.createPartitionRunners({
      ...{ stage, wiring, limits, crash, metrics: noMetrics },
      rules: rulesOf(release),
      walk: { stepEntriesMax: this.#parts.walkEntriesMax, roundMs: 0 },
      openCensus: () => noCensus,
      now: () => schedule.nowMs,
      health: createHealth(() => undefined),
      logger: silent,
      patience: this.#patience(),
      admin: {
        bounds: (topic) => this.#ask(`bounds of ${topic}`, () => this.#boundsOf(topic)),
      },
      openStore: (partition) => disk.open(`${stage.name}-${partition}`, this.#writeGuard()),
      openLog: (partition) => this.#openLog({ stage, rulesOf, wiring, group }, partition),
    })
    const member = group.join(this, {
      onAssigned: (assigned, consumer) => {
        schedule.note(`${this.name} ${stage.name} assigned`)
        runners.assign(assigned, consumer)
      },
      onBatch: async (batch) => {
        try {
          await runners.hear(batch)
        } catch (error) {
          if (!(error instanceof DependencyError)) crash(error)
          throw error
        }
      },
    })
    return { name: stage.name, wiring, runners, member }
  }

  async #ask<T>(question: string, answer: () => T): Promise<T> {
    const { schedule, faults } = this.#parts
    const silentBroker = faults.strikes('broker does not answer')
    try {
      return await schedule.request(this, question, () => {
        if (silentBroker) throw new Error('no answer')
        return answer()
      })
    } catch (cause) {
      throw new DependencyError('kafka', cause)
    }
  }

  #boundsOf(topic: string): { partition: number; low: number; high: number }[] {
    return this.#parts.broker
      .logsOf(topic)
      .map(({ partition, start, end }) => ({ partition, low: start, high: end }))
  }

  #openLog({ stage, wiring, group }: SimulatedStage, partition: number): StageLog {
    const { broker, schedule, faults, wrapLog, transactionalId: named } = this.#parts
    const kafka: Pick<KafkaClient, 'connectTransactionalProducer'> = {
      connectTransactionalProducer: ({ transactionalId }) =>
        Promise.resolve(
          connectProducer(transactionalId, {
            ...{ broker, schedule, faults, owner: this },
            kill: () => {
              this.die()
            },
            rebalance: () => {
              group.rebalance()
            },
          }) as Awaited<ReturnType<KafkaClient['connectTransactionalProducer']>>,
        ),
    }
    const log = kafkaStageLog({
      kafka: kafka as KafkaClient,
      transactionalId: named(`${stage.name}-${partition}`),
      transactionTimeoutMs,
      changelog: wiring.changelog,
      partition,
      marks: wiring.marks,
    })
    return wrapLog(log, wiring)
  }

  #writeGuard() {
    const { faults, schedule } = this.#parts
    return {
      before: (): boolean => {
        if (!this.alive) return false
        if (faults.strikes('disk full')) {
          schedule.note('FAULT disk full')
          throw new DiskFull()
        }
        if (!faults.strikes('crash before the store has it')) return true
        schedule.note('FAULT crash before the store has it')
        this.die()
        return false
      },
      after: (): void => {
        if (!faults.strikes('crash after the store has it')) return
        schedule.note('FAULT crash after the store has it')
        this.die()
      },
    }
  }

  #patience(): Patience {
    const { schedule } = this.#parts
    return {
      pause: (longestMs) => schedule.wait(this, longestMs),
      retry: async (action, { maxPauseMs, goOn }) => {
        for (;;) {
          try {
            return await action()
          } catch (error) {
            if (!(error instanceof DependencyError) || goOn?.() === false) throw error
            await schedule.wait(this, maxPauseMs ?? 10_000)
          }
        }
      },
    }
  }
}

/** The one error of a plan that ends a process from inside. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull'
}

const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  debug: () => undefined,
} as unknown as Logger
