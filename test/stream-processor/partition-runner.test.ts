import { createHealth } from '../../services/runtime/health'
import { DependencyError } from '../../services/runtime/errors'
import type { Consumer } from '../../services/runtime/kafka-consumer'
import type { Logger } from '../../services/runtime/logger'
import { stockStage } from '../../services/core/stock/reserve'
import { topics } from '../../services/core/topics'
import { PartitionRunner } from '../../services/stream-processor/partition-runner'
import { emptyMark } from '../../services/stream-processor/ports'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { noCensus } from '../../services/stream-processor/state-walk'
import { MemoryLog, MemoryPartitionStore, memoryTask } from '../support/memory-stage'
import { until } from '../support/until'

const changelog = topics.stockChangelog.name
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

test('a runner that begins anew after a failed try hears no changelog before it owns the partition again', async () => {
  const store = new MemoryPartitionStore()
  const mark = { ...emptyMark, positions: { orders: 7 } }
  store.apply({
    ...{ entries: [], from: null, mark, changelogNext: 0, schemaIds: [] },
    purges: false,
  })
  const log = new MemoryLog(changelog)
  const consumer = new Fetching()
  const crashes: unknown[] = []
  let tries = 0
  let own = (): void => undefined
  const owned = new Promise<void>((resolve) => {
    own = resolve
  })
  const runner = new PartitionRunner(
    {
      ...{ ...memoryTask(stockStage as unknown as AnyStage), consumer, logger: quiet },
      health: createHealth(() => undefined),
      limits: {
        ...{ batchRecordsMax: 10, queueRecordsMax: 10, queueBytesMax: 1_000, purgeIntervalMs: 0 },
      },
      now: () => 0,
      openCensus: () => noCensus,
      openStore: () => store,
      openLog: () => ({
        // The second owner record takes its time.
        open: async () => {
          tries += 1
          if (tries > 1) await owned
          return log.open()
        },
        commit: (records) => log.commit(records),
        close: () => Promise.resolve(),
      }),
      crash: (error) => crashes.push(error),
      admin: {
        bounds: () =>
          tries === 1
            ? Promise.reject(new DependencyError('kafka', 'away'))
            : Promise.resolve([{ partition: 0, low: 0, high: 9 }]),
      },
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
  const hear = (): Promise<void> => {
    const records = log.records(0)
    const [fetchedOffset, lastOffset] = [0, records.length - 1]
    return runner.hear({
      ...{ topic: changelog, partition: 0, records, fetchedOffset, lastOffset },
      highWatermark: records.length,
    })
  }
  await until(() => consumer.flowing.has(changelog), 'the first restore')
  await hear()
  await until(() => tries === 2, 'the second try')
  runner.reassigned()
  expect([...consumer.flowing]).toEqual([])
  await hear()
  expect(store.mark().positions).toEqual({ orders: 7 })
  own()
  await until(() => consumer.flowing.has(changelog), 'the second restore')
  await hear()
  await until(() => consumer.flowing.has('orders'), 'the inputs')
  await runner.close()
  expect(crashes).toEqual([])
})
