import { createHealth } from '../../services/runtime/health'
import { DependencyError } from '../../services/runtime/errors'
import type { IncomingRecord } from '../../services/runtime/kafka'
import type { Consumer } from '../../services/runtime/kafka-consumer'
import type { Logger } from '../../services/runtime/logger'
import { stockStage } from '../../services/core/stock/reserve'
import { topics } from '../../services/core/topics'
import { PartitionRunner } from '../../services/stream-processor/partition-runner'
import { emptyMark, type StageLog } from '../../services/stream-processor/ports'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { noCensus } from '../../services/stream-processor/state-walk'
import { MemoryLog, MemoryPartitionStore, memoryTask } from '../support/memory-stage'
import { until } from '../support/until'

const changelog = topics.stockChangelog.name
const orders = topics.orders.name
const quiet = { info: () => undefined, warn: () => undefined } as unknown as Logger

/** Notes what is fetched. */
class Fetching implements Consumer {
  readonly flowing = new Set<string>()
  seek(): void {
    return
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
  readonly runner: PartitionRunner
  /** How often the partition was to be owned. */
  tries = 0
  bounds = (): Promise<{ partition: number; low: number; high: number }[]> =>
    Promise.resolve([{ partition: 0, low: 0, high: 9 }])
  open = (): Promise<number> => this.log.open()
  commit: StageLog['commit'] = (records) => this.log.commit(records)

  constructor() {
    const mark = { ...emptyMark, positions: { [orders]: 7 } }
    this.store.apply({
      ...{ entries: [], from: null, mark, changelogNext: 0, schemaIds: [], purges: false },
    })
    this.runner = new PartitionRunner(
      {
        ...memoryTask(stockStage as unknown as AnyStage),
        ...{ consumer: this.consumer, logger: quiet, health: createHealth(() => undefined) },
        limits: {
          ...{ batchRecordsMax: 10, queueRecordsMax: 10, queueBytesMax: 1_000, purgeIntervalMs: 0 },
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
      Promise.resolve(),
    )
  }

  async restore(): Promise<void> {
    await until(() => this.consumer.flowing.has(changelog), 'a restore')
    await this.hear(changelog, this.log.records(0))
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
    await this.restore()
    await until(() => this.consumer.flowing.has(orders), 'the inputs')
    this.bounds = () => Promise.resolve([{ partition: 0, low: 8, high: 9 }])
    await this.hear(orders, [
      {
        ...{ topic: orders, partition: 0, offset: 8, headers: {}, timestampMs: 0 },
        ...{ key: Buffer.from('x'), value: Buffer.from('x') },
      },
    ])
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
