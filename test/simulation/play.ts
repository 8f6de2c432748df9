// Plays one history: inputs reach the broker, processes come and go, faults strike, and in the end everything runs
// until nothing is left to do. All of it by chance, and all chance from one seed.
import { topology } from '../../services/core/topology'
import { touchpointKey } from '../../services/core/identity/node'
import { partitionOf } from '../../services/core/partition'
import { isReject } from '../../services/core/reject'
import type { Topic, ValueOf } from '../../services/core/topics'
import { createPartitionRunners } from '../../services/stream-processor/partition-runners'
import { markKeys } from '../../services/stream-processor/kafka-stage-log'
import type { StageLog } from '../../services/stream-processor/ports'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { fixedRules, type StageRules } from '../../services/stream-processor/stage-rules'
import type { StageWiring } from '../../services/stream-processor/stage-wiring'
import { memoryCodec, memoryWiring } from '../support/memory-stage'
import { rollDice, type Dice } from './dice'
import { Disk } from './disk'
import { drawFaults, FaultPlan, type Fault } from './fault-plan'
import { drawHistory, inputsOf, type History, type Input, type Season } from './history'
import { MemoryBroker } from './memory-broker'
import type { LoggedRecord, PartitionLog } from './partition-log'
import { DiskFull, Processor, type SimulatedStage } from './processor'
import { journeySettings } from './rules'
import { addTrained } from './trained-history'
import { Schedule, type Action, type Owner } from './schedule'
import { StageGroup } from './stage-group'

/** A fault in the product, put there on purpose; each hook stands where the product has the real thing. */
export interface PlantedBug {
  readonly topology?: typeof topology
  readonly createPartitionRunners?: typeof createPartitionRunners
  readonly wrapLog?: (log: StageLog, wiring: StageWiring) => StageLog
  readonly transactionalId?: (id: string) => string
}

export interface Played {
  readonly seed: number
  readonly history: History
  readonly faults: readonly Fault[]
  readonly happened: readonly Fault[]
  readonly broker: MemoryBroker
  readonly trace: readonly string[]
  readonly actions: number
  /** What ended a process though no fault of the plan explains it; or what has no end. */
  readonly failure: Error | null
  /** Committed values of a topic with their keys, oldest first in each partition. */
  read<T extends Topic>(topic: T): { readonly key: string; readonly value: ValueOf<T> }[]
}

export async function play(seed: number, bug: PlantedBug = {}): Promise<Played> {
  const history = addTrained(rollDice(seed, 'trained'), drawHistory(rollDice(seed, 'history')))
  const faults = drawFaults(rollDice(seed, 'faults'))
  const world = new World(seed, { history, faults, bug })
  const failure = await world.run()
  return {
    ...{ seed, history, faults, failure },
    happened: world.plan.happened,
    broker: world.broker,
    trace: world.schedule.trace,
    actions: world.schedule.actions,
    read: (topic) => readCommitted(world.broker, topic),
  }
}

const transactionTimeoutMs = 15_000
const sessionTimeoutMs = 10_000
const processesMax = 3

interface WorldParts {
  readonly history: History
  readonly faults: readonly Fault[]
  readonly bug: PlantedBug
}

class World {
  readonly schedule: Schedule
  readonly broker: MemoryBroker
  readonly plan: FaultPlan
  readonly #dice: Dice
  readonly #bug: PlantedBug
  readonly #stages: readonly SimulatedStage[]
  readonly #limits
  readonly #renewed: boolean
  readonly #trained: boolean
  readonly #walkEntriesMax: number
  #seasons: readonly Season[]
  #inputs: Input[] = []
  /** How often everybody still looks through the state before the next season. */
  #walks = 0
  /** Steps of the walk still to take in the end, and how many faults had struck when they began. */
  #lastWalks: { readonly struck: number; readonly left: number } | null = null
  #processors: Processor[] = []
  /** Disks of processes that are down, waiting for the next start. */
  #disks: Disk[] = []
  #named = 0
  #failure: Error | null = null

  constructor(seed: number, { history, faults, bug }: WorldParts) {
    this.#dice = rollDice(seed, 'schedule')
    this.#bug = bug
    this.#seasons = history.seasons
    this.#renewed = history.renewed !== null
    this.#trained = inputsOf(history).some(({ topic }) => topic === 'trained-models')
    this.schedule = new Schedule(this.#dice, history.seasons[0]?.beginsAt ?? 0)
    this.plan = new FaultPlan(faults)
    const nobody: Owner = { name: 'broker', alive: true }
    this.broker = new MemoryBroker(history.partitions, {
      now: () => this.schedule.nowMs,
      onOpened: (transaction) => {
        const run = (): void => {
          this.broker.timeOut(transaction)
        }
        this.schedule.timer(nobody, transactionTimeoutMs, { name: 'transaction times out', run })
      },
    })
    this.#stages = this.#stagesOf(history, bug.topology ?? topology)
    this.#walkEntriesMax = this.#dice.pick([10, 50, 200])
    this.#limits = {
      batchRecordsMax: this.#dice.pick([1, 3, 10, 10, 50]),
      batchWaitMs: 0,
      queueRecordsMax: this.#dice.pick([2, 20, 1_000]),
      queueBytesMax: 1_000_000,
      purgeIntervalMs: 0,
    }
  }

  /** Each stage under the settings of the history, and under those that replace them. */
  #stagesOf({ rules, renewed, partitions }: History, made: typeof topology): SimulatedStage[] {
    const before = Object.values(made(journeySettings(rules))) as unknown as AnyStage[]
    const after = Object.values(made(journeySettings(renewed ?? rules))) as unknown as AnyStage[]
    return before.flatMap((stage, at) => {
      const wiring = memoryWiring(stage, partitions)
      const parts = { broker: this.broker, schedule: this.schedule, dice: this.#dice }
      const read = [...wiring.inputs, wiring.changelog]
      const group = new StageGroup({ ...parts, name: stage.name, topics: read })
      const stageUnder = (text: string): AnyStage =>
        text === 'release 2' ? (after[at] ?? stage) : stage
      const rulesOf = (release: number): StageRules =>
        stage.name === 'journey'
          ? { epoch: release, text: `release ${release}`, stageUnder }
          : fixedRules(stage)
      return [{ stage, rulesOf, wiring, group }]
    })
  }

  async run(): Promise<Error | null> {
    this.#beginSeason()
    const many = this.#dice.between(1, 2)
    for (let process = 0; process < many; process += 1) this.#start(new Disk(), 1)
    try {
      await this.schedule.runUntilQuiet(
        () => this.#offered(),
        () => this.#goOn(),
      )
    } catch (error) {
      this.#failure ??= error as Error
    }
    return this.#failure
  }

  /** Everything has been heard: the state is looked through for some time, or time goes on. */
  #goOn(): boolean {
    if (this.#failure !== null) return false
    if (this.#walks > 0) {
      this.#walks -= 1
      for (const processor of this.#processors) processor.walk()
      return true
    }
    if (this.#beginSeason()) return true
    if (this.#renewed && this.#finishRenewing()) return true
    return this.#trained && this.#finishWalking()
  }

  #beginSeason(): boolean {
    const [season, ...later] = this.#seasons
    if (season === undefined) return false
    this.#seasons = later
    this.#inputs = [...season.inputs]
    this.schedule.nowMs = Math.max(this.schedule.nowMs, season.beginsAt)
    this.#walks = this.#dice.below(this.#dice.pick([2, 12]))
    this.schedule.note('a season begins')
    return true
  }

  /** The walk goes round once more, undisturbed from its beginning to its end. @returns whether there was any need */
  #finishWalking(): boolean {
    const struck = this.plan.happened.length
    const left =
      this.#lastWalks?.struck === struck ? this.#lastWalks.left : this.#stepsOfTwoRounds()
    if (left === 0) return false
    this.#lastWalks = { struck, left: left - 1 }
    for (const processor of this.#processors) processor.walk()
    return true
  }

  /** At most: what the changelogs hold was there once. */
  #stepsOfTwoRounds(): number {
    const entries = this.#stages.flatMap(({ wiring }) =>
      this.broker.logsOf(wiring.changelog).map((log) => {
        return new Set(log.committed().map(({ key }) => String(key))).size
      }),
    )
    return 2 * (Math.ceil(Math.max(...entries) / this.#walkEntriesMax) + 1)
  }

  /** The last processes of the older release go, and the walk comes to its end. @returns whether there was any need */
  #finishRenewing(): boolean {
    for (const old of this.#processors.filter(({ release }) => release < 2)) {
      this.#processors = this.#processors.filter((one) => one !== old)
      old.stop()
      this.#start(new Disk(), 2)
    }
    const settled = this.#stages
      .filter(({ rulesOf }) => rulesOf(2).epoch > 0)
      .every(({ wiring }) =>
        this.broker.logsOf(wiring.changelog).every((log) => settledEpoch(log, wiring) === 2),
      )
    if (!settled) for (const processor of this.#processors) processor.walk()
    return !settled
  }

  #offered(): Action[] {
    if (this.#failure !== null) return []
    this.#strikeFromOutside()
    const actions = this.#stages.flatMap(({ group }) => group.actions())
    const [input] = this.#inputs
    if (input !== undefined) {
      const run = (): void => {
        this.#inputs.shift()
        this.#produce(input)
      }
      actions.push({ name: 'an input arrives', run })
    }
    const [disk] = this.#disks
    if (disk !== undefined && (this.#dice.chance(0.05) || actions.length === 0)) {
      const run = (): void => {
        this.#disks.shift()
        this.#start(disk, this.#release())
      }
      actions.push({ name: 'a process starts', run })
    }
    if (actions.length > 0 && this.#dice.chance(0.02)) {
      const processor = this.#dice.pick(this.#processors)
      const run = (): void => {
        processor.keepHouse()
        processor.walk()
      }
      if (this.#processors.length > 0) actions.push({ name: 'housekeeping', run })
    }
    if (actions.length > 0 && this.#dice.chance(0.05)) {
      const run = (): void => {
        for (const processor of this.#processors) processor.walk()
      }
      actions.push({ name: 'a look through the state', run })
    }
    return actions
  }

  #strikeFromOutside(): void {
    if (this.schedule.actions % 10 !== 0 || this.#processors.length === 0) return
    const dice = this.#dice
    const processor = dice.pick(this.#processors)
    const strikes = (kind: Fault['kind'], possible = true): boolean => {
      if (!possible || !this.plan.strikes(kind)) return false
      this.schedule.note(`FAULT ${kind}`)
      return true
    }
    if (strikes('kill')) this.#kill(processor)
    if (strikes('kill and lose the disk')) {
      processor.disk.lose()
      this.#kill(processor)
    }
    if (strikes('kill and find an old disk')) {
      processor.disk.revert()
      this.#kill(processor)
    }
    if (dice.chance(0.2)) processor.disk.remember()
    if (strikes('start another process') && this.#processors.length < processesMax) {
      this.#start(new Disk(), this.#release())
    }
    if (strikes('stop a process') && this.#processors.length > 1 && !processor.stopping) {
      this.#processors = this.#processors.filter((one) => one !== processor)
      processor.stop()
    }
    if (strikes('rebalance')) for (const { group } of this.#stages) group.rebalance()
    if (strikes('take partitions from one who does not hear it')) {
      processor.goDeaf(sessionTimeoutMs)
      for (const { group } of this.#stages) group.rebalance(processor)
    }
    const [back, ahead] = [-dice.between(1, 8), dice.between(1, 2)]
    if (strikes('hand records over again', processor.canDisplace(back))) processor.displace(back)
    if (strikes('leap over records', processor.canDisplace(ahead))) processor.displace(ahead)
    const twice = 'leap over records twice, around a commit that fails'
    if (strikes(twice, processor.canDisplace(ahead))) processor.leapTwice(ahead)
    if (strikes('compact the changelogs')) this.#compact()
  }

  /** Of a process that starts now: while settings are renewed those of both releases run side by side. */
  #release(): number {
    return this.#renewed && this.#dice.chance(0.7) ? 2 : 1
  }

  #start(disk: Disk, release: number): void {
    this.#named += 1
    const processor: Processor = new Processor({
      ...{
        release,
        name: `p${String(this.#named)}`,
        disk,
        stages: this.#stages,
        broker: this.broker,
      },
      ...{ schedule: this.schedule, faults: this.plan, limits: this.#limits },
      walkEntriesMax: this.#walkEntriesMax,
      createPartitionRunners: this.#bug.createPartitionRunners ?? createPartitionRunners,
      wrapLog: this.#bug.wrapLog ?? ((log) => log),
      transactionalId: this.#bug.transactionalId ?? ((id) => id),
      onDeath: (dead) => {
        this.#bury(dead)
      },
      onCrash: (crashed, error) => {
        if (!(error instanceof DiskFull)) this.#failure ??= error as Error
        crashed.die()
      },
    })
    this.#processors.push(processor)
  }

  #kill(processor: Processor): void {
    processor.die()
  }

  /** The group finds out when the session times out; the next start finds the disk. */
  #bury(dead: Processor): void {
    this.#processors = this.#processors.filter((one) => one !== dead)
    this.#disks.push(dead.disk)
    const nobody: Owner = { name: 'group', alive: true }
    const run = (): void => {
      for (const { group } of this.#stages) group.drop(dead)
    }
    this.schedule.timer(nobody, sessionTimeoutMs, { name: `${dead.name} is missed`, run })
  }

  #compact(): void {
    for (const { wiring } of this.#stages) {
      for (const log of this.broker.logsOf(wiring.changelog)) log.compact()
    }
  }

  #produce(input: Input): void {
    const { partitions } = this.broker
    const at = (key: string, stray: number | null): number =>
      stray ?? partitionOf(Buffer.from(key), partitions)
    if ('bytes' in input) {
      const { topic, bytes, partition } = input
      this.broker.produce({ topic, partition, key: 'nobody', value: Buffer.from(bytes) })
    } else if (input.topic === 'trained-models') {
      const { topic, value: model, partition } = input
      const value = memoryCodec('TrainedModel').encode(model)
      this.broker.produce({ topic, partition, key: `${model.model}|${model.version}`, value })
    } else if (input.topic === 'orders') {
      const { topic, value: order, stray } = input
      const value = memoryCodec('Order').encode(order)
      const partition = at(order.order_key, stray)
      this.broker.produce({ topic, partition, key: order.order_key, value })
    } else {
      const { topic, value: touchpoint, stray } = input
      const key = touchpointKey(touchpoint)
      const value = memoryCodec('Touchpoint').encode(touchpoint)
      this.broker.produce({ topic, partition: at(key, stray), key, value })
    }
  }
}

/** Settings under which everything in a partition has been settled, as its changelog says. */
function settledEpoch(log: PartitionLog, { marks }: StageWiring): number {
  const last = log.committed().findLast(({ key }) => String(key) === markKeys.mark)
  const mark = last === undefined ? null : marks.decode(last.value)
  if (mark === null) return 0
  if (isReject(mark)) throw new Error(mark.detail)
  return mark.settled_epoch
}

function readCommitted<T extends Topic>(
  broker: MemoryBroker,
  topic: T,
): { key: string; value: ValueOf<T> }[] {
  const codec = memoryCodec(topic.record)
  return broker.logsOf(topic.name).flatMap((log) =>
    log.committed().flatMap(({ key, value }: LoggedRecord) => {
      if (value === null) return []
      const decoded = codec.decode(value)
      if (isReject(decoded)) throw new Error(`${topic.name}: ${decoded.detail}`)
      return [{ key: String(key), value: decoded as ValueOf<T> }]
    }),
  )
}
