import { createHealth, type Health } from '../../services/runtime/health'
import { DependencyError } from '../../services/runtime/errors'
import type { IncomingRecord } from '../../services/runtime/kafka'
import type { Consumer } from '../../services/runtime/kafka-consumer'
import type { Logger } from '../../services/runtime/logger'
import { stockStage } from '../../services/core/stock/reserve'
import { deadLetterHeaders, deadLettersTopic, topics } from '../../services/core/topics'
import { PartitionRunner } from '../../services/stream-processor/partition-runner'
import { emptyMark, type StageLog } from '../../services/stream-processor/ports'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { noCensus } from '../../services/stream-processor/state-walk'
import { MemoryLog, MemoryPartitionStore, memoryTask } from '../support/memory-stage'
import { until } from '../support/until'

const changelog = topics.stockChangelog.name
const orders = topics.orders.name
const stage = stockStage as unknown as AnyStage
const quiet = { info: () => undefined, warn: () => undefined } as unknown as Logger

/** Notes what is fetched. */
class Fetching implements Consumer {
  readonly flowing = new Set<string>()
  /** Where each topic is to be fetched next. */
  readonly sought = new Map<string, number>()
  seek({ topic, offset }: { topic: string; offset: number }): void {
    this.sought.set(topic, offset)
  }
  pause(partitions: readonly { topic: string }[]): void {
    for (const { topic } of partitions) this.flowing.delete(topic)
  }
  resume(partitions: readonly { topic: string }[]): void {
    for (const { topic } of partitions) this.flowing.add(topic)
  }
  commit(): Promise<void> {
    return Promise.resolve()
  }
  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** The stock stage's partition 0, whose orders are processed up to offset 7. */
class Rig {
  readonly store = new MemoryPartitionStore()
  readonly log = new MemoryLog(changelog)
  readonly consumer = new Fetching()
  readonly crashes: unknown[] = []
  readonly health: Health
  readonly runner: PartitionRunner
  /** How often the partition was to be owned. */
  tries = 0
  bounds = (): Promise<{ partition: number; low: number; high: number }[]> =>
    Promise.resolve([{ partition: 0, low: 0, high: 20 }])
  open = (): Promise<number> => this.log.open()
  commit: StageLog['commit'] = (records) => this.log.commit(records)

  constructor(after: Promise<void> = Promise.resolve(), health = createHealth(() => undefined)) {
    this.health = health
    const mark = { ...emptyMark, positions: { [orders]: 7 } }
    this.store.apply({
      ...{ entries: [], from: null, mark, changelogNext: 0, schemaIds: [], purges: false },
    })
    this.runner = new PartitionRunner(
      {
        ...memoryTask(stage, { epoch: 1, text: 'some', stageUnder: () => stage }),
        ...{ consumer: this.consumer, logger: quiet, health: this.health },
        limits: {
          ...{ batchRecordsMax: 10, batchWaitMs: 0, purgeIntervalMs: 0 },
          ...{ queueRecordsMax: 10, queueBytesMax: 1_000 },
        },
        now: () => 0,
        openCensus: () => noCensus,
        openStore: () => this.store,
        openLog: () => ({
          open: () => {
            this.tries += 1
            return this.open()
          },
          commit: (records) => this.commit(records),
          close: () => Promise.resolve(),
        }),
        crash: (error) => this.crashes.push(error),
        admin: { bounds: () => this.bounds() },
        patience: {
          pause: () => Promise.resolve(),
          retry: async (action) => {
            try {
              return await action()
            } catch (error) {
              expect(error).toBeInstanceOf(DependencyError)
              return action()
            }
          },
        },
      },
      after,
    )
  }

  async restore(): Promise<void> {
    await until(() => this.consumer.flowing.has(changelog), 'a restore')
    await this.hear(changelog, this.log.records(0))
  }

  async run(): Promise<void> {
    await this.restore()
    await until(() => this.consumer.flowing.has(orders), 'the inputs')
  }

  /** The next commit begins and ends when told to. */
  holdCommit(): { begun: boolean; fail: () => void; succeed: () => void } {
    const held = { begun: false, fail: (): void => undefined, succeed: (): void => undefined }
    this.commit = (records) => {
      held.begun = true
      this.commit = (others) => this.log.commit(others)
      return new Promise((resolve, reject) => {
        held.fail = () => {
          reject(new DependencyError('kafka', 'gone'))
        }
        held.succeed = () => {
          resolve(this.log.commit(records))
        }
      })
    }
    return held
  }

  /** The next question for bounds is answered when told to. */
  holdBounds(low = 0): { answer: () => void } {
    const held = { answer: (): void => undefined }
    const { bounds } = this
    this.bounds = async () => {
      this.bounds = bounds
      await new Promise<void>((resolve) => {
        held.answer = resolve
      })
      return [{ partition: 0, low, high: 20 }]
    }
    return held
  }

  /** Hands over orders that cannot be read: each is a dead letter. */
  hearOrders(...offsets: readonly number[]): Promise<void> {
    this.consumer.sought.delete(orders)
    return this.hear(
      orders,
      offsets.map((offset) => ({
        ...{ topic: orders, partition: 0, offset, headers: {}, timestampMs: 0 },
        ...{ key: Buffer.from('x'), value: Buffer.from('x') },
      })),
    )
  }

  /** Resolves once everything below the offset has been processed. */
  processed(offset: number): Promise<unknown> {
    return until(() => this.store.mark().positions[orders] === offset, `all below ${offset}`)
  }

  /** Of the dead letters committed, the offsets of their records. */
  letters(): number[] {
    return this.log.transactions
      .flat()
      .filter(({ topic }) => topic === deadLettersTopic.name)
      .map(({ headers }) => Number(headers?.[deadLetterHeaders.offset]))
  }

  hear(topic: string, records: readonly IncomingRecord[]): Promise<void> {
    const offsets = records.map(({ offset }) => offset)
    return this.runner.hear({
      ...{ topic, partition: 0, records, highWatermark: 9 },
      ...{ fetchedOffset: Math.min(...offsets), lastOffset: Math.max(...offsets) },
    })
  }

  /** Begins to run, and is then handed orders from beyond what it expects, where the log begins by now. */
  async findGone(): Promise<void> {
    await this.run()
    this.bounds = () => Promise.resolve([{ partition: 0, low: 8, high: 9 }])
    await this.hearOrders(8)
  }
}

test('a runner that begins anew after a failed try hears no changelog before it owns the partition again', async () => {
  const rig = new Rig()
  rig.bounds = () => Promise.reject(new DependencyError('kafka', 'away'))
  let own = (): void => undefined
  const owned = new Promise<void>((resolve) => {
    own = resolve
  })
  rig.open = async () => {
    if (rig.tries > 1) await owned
    return rig.log.open()
  }
  await rig.restore()
  await until(() => rig.tries === 2, 'the second try')
  rig.bounds = () => Promise.resolve([{ partition: 0, low: 0, high: 9 }])
  rig.runner.reassigned()
  expect([...rig.consumer.flowing]).toEqual([])
  await rig.hear(changelog, rig.log.records(0))
  expect(rig.store.mark().positions).toEqual({ orders: 7 })
  own()
  await rig.restore()
  await until(() => rig.consumer.flowing.has(orders), 'the inputs')
  await rig.runner.close()
  expect(rig.crashes).toEqual([])
})

test('offsets that are gone before they were processed stop the process, which names them', async () => {
  const rig = new Rig()
  await rig.findGone()
  await until(() => rig.crashes.length > 0, 'the crash')
  expect(String(rig.crashes[0])).toContain('offsets 7 to 7 of orders-0 were deleted')
})

test('who lost its partition unheard misses nothing that the next owner has processed', async () => {
  const rig = new Rig()
  rig.commit = () => Promise.reject(new DependencyError('kafka', 'fenced'))
  await rig.findGone()
  await until(() => rig.tries === 2, 'another try')
  await rig.runner.close()
  expect(rig.crashes).toEqual([])
})

test('records leapt over a second time, after a failed commit, are asked for a second time', async () => {
  const rig = new Rig()
  await rig.run()
  await rig.hearOrders(9)
  expect(rig.consumer.sought.get(orders)).toBe(7)
  rig.log.fails = 'before'
  await rig.hearOrders(7, 8)
  await until(() => rig.tries === 2, 'another try')
  await rig.run()
  await rig.hearOrders(9)
  expect(rig.consumer.sought.get(orders)).toBe(7)
  await rig.hearOrders(7, 8)
  await rig.hearOrders(9)
  await rig.processed(10)
  expect(rig.letters()).toEqual([7, 8, 9])
  await rig.runner.close()
  expect(rig.crashes).toEqual([])
})

test('a batch that waits for an answer while the commit before it fails is not taken afterwards', async () => {
  const rig = new Rig()
  await rig.run()
  const committing = rig.holdCommit()
  await rig.hearOrders(7)
  await until(() => committing.begun, 'a commit')
  await rig.hearOrders(10)
  expect(rig.consumer.sought.get(orders)).toBe(8)
  const asking = rig.holdBounds()
  const hearing = rig.hearOrders(10)
  committing.fail()
  await until(() => rig.tries === 2, 'another try')
  asking.answer()
  await hearing
  await rig.run()
  expect(rig.consumer.sought.get(orders)).toBe(7)
  await rig.hearOrders(7, 8, 9)
  await rig.hearOrders(10)
  await rig.processed(11)
  expect(rig.letters()).toEqual([7, 8, 9, 10])
  await rig.runner.close()
  expect(rig.crashes).toEqual([])
})

test('what is found gone for a task that has failed meanwhile does not end the process', async () => {
  const rig = new Rig()
  await rig.run()
  const committing = rig.holdCommit()
  await rig.hearOrders(7)
  await until(() => committing.begun, 'a commit')
  const asking = rig.holdBounds(9)
  const hearing = rig.hearOrders(9)
  committing.fail()
  await until(() => rig.tries === 2, 'another try')
  asking.answer()
  await hearing
  await rig.run()
  await rig.hearOrders(7, 8, 9)
  await rig.processed(10)
  await rig.runner.close()
  expect(rig.crashes).toEqual([])
})

test('a partition that comes back is not ready before it is restored, whenever the runner before lets go', async () => {
  const before = new Rig()
  await before.run()
  expect(before.health.faults()).toEqual(['starting'])
  let letGo = (): void => undefined
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  before.store.close = () => held
  const after = new Rig(before.runner.close(), before.health)
  expect(after.health.faults()).toContain('stock-0: restoring')
  letGo()
  await until(() => after.consumer.flowing.has(changelog), 'a restore')
  expect(after.health.faults()).toContain('stock-0: restoring')
  await after.run()
  expect(after.health.faults()).toEqual(['starting'])
  await after.runner.close()
})

test('a rebalance between the restore and the inputs leaves the changelog paused', async () => {
  const rig = new Rig()
  const asking = rig.holdBounds()
  await rig.restore()
  await until(() => !rig.consumer.flowing.has(changelog), 'the end of the restore')
  rig.runner.reassigned()
  asking.answer()
  await until(() => rig.consumer.flowing.has(orders), 'the inputs')
  expect([...rig.consumer.flowing]).toEqual([orders])
  await rig.runner.close()
})

test('a partition that goes in the middle of a step of the walk is let go', async () => {
  const rig = new Rig()
  await rig.run()
  const committing = rig.holdCommit()
  rig.runner.walk()
  await until(() => committing.begun, 'a commit')
  const closed = rig.runner.close()
  committing.succeed()
  await closed
  expect(rig.crashes).toEqual([])
})
