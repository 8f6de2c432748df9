// A trained model that comes to a real task: the walk looks at once for the orders that are due it.
import { defaultSettings } from '../../services/core/attribution/settings'
import { defaultHubLimits } from '../../services/core/identity/hubs'
import { journeyStage } from '../../services/core/journey'
import { isReject } from '../../services/core/reject'
import { topics } from '../../services/core/topics'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { PartitionTask } from '../../services/stream-processor/partition-task'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { anOrder, dayMs, evening } from '../given'
import { memoryCodec, MemoryLog, MemoryPartitionStore, memoryTask } from '../support/memory-stage'

const stage = journeyStage({
  orders: { generation: 0, attribution: [defaultSettings] },
  gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
}) as unknown as AnyStage

function record(topic: string, value: Buffer): IncomingRecord {
  const place = { topic, partition: 0, offset: 0, headers: {}, timestampMs: evening }
  return { ...place, key: Buffer.from('any'), value }
}

test('orders are credited by a model that came after them before the next round of the walk is due', async () => {
  const log = new MemoryLog(topics.journeyChangelog.name)
  const walk = { stepEntriesMax: 1_000, roundMs: dayMs }
  const task = new PartitionTask({
    ...{ ...memoryTask(stage), log, walk },
    store: new MemoryPartitionStore(),
  })
  await task.restore(log.records(await task.open()))
  const causes = (): string[] =>
    log.transactions
      .flat()
      .filter(({ topic }) => topic === topics.attributedOrders.name)
      .map(({ value }) => {
        const order = memoryCodec('AttributedOrder').decode(value)
        if (isReject(order)) throw new Error(order.detail)
        return `${order.cause} by ${order.trained['markov'] ?? 'nothing'}`
      })
  const order = memoryCodec('Order').encode(anOrder({ identifiers: [] }))
  await task.process([record(topics.orders.name, order)])
  await task.walk({ nowMs: 0, behind: [] })
  expect(causes()).toEqual(['merge by nothing'])
  const trained = memoryCodec('TrainedModel').encode({
    ...{ model: 'markov', version: 'v1', valid_from: evening - dayMs, trained_at: evening },
    channels: [{ channel: 'live', weight_ppb: 1_000_000_000 }],
    unseen_ppb: 1_000_000_000,
  })
  await task.process([record(topics.trainedModels.name, trained)])
  await task.walk({ nowMs: 1, behind: [] })
  expect(causes()).toEqual(['merge by nothing', 'trained by v1'])
})
