import type { IncomingRecord } from '../../services/runtime/kafka'
import type { Consumer } from '../../services/runtime/kafka-consumer'
import { PartitionFeed } from '../../services/stream-processor/partition-feed'
import { noMetrics } from '../support/memory-stage'

const nowhere: Consumer = {
  seek: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  commit: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

function openFeed(): PartitionFeed {
  return new PartitionFeed({
    ...{ stage: { name: 'journey' }, partition: 0, metrics: noMetrics, consumer: nowhere },
    wiring: { inputs: ['orders', 'touchpoints', 'facts'], loop: 'facts', changelog: 'changelog' },
    admin: { bounds: () => Promise.resolve([]) },
    limits: { queueRecordsMax: 10, queueBytesMax: 1_000 },
  })
}

function record(topic: string, offset: number): IncomingRecord {
  const value = Buffer.from('x')
  return { topic, partition: 0, offset, key: value, value, headers: {}, timestampMs: 0 }
}

function hear(feed: PartitionFeed, records: readonly IncomingRecord[], end: number): Promise<void> {
  const [first, last] = [records[0], records.at(-1)]
  return feed.hear({
    ...{ topic: first?.topic ?? '', partition: 0, records, highWatermark: end },
    ...{ fetchedOffset: first?.offset ?? 0, lastOffset: last?.offset ?? 0 },
  })
}

test('an input lags until all is processed that was there when it was last heard of', async () => {
  const feed = openFeed()
  feed.start([
    { topic: 'orders', offset: 7, end: 9 },
    { topic: 'touchpoints', offset: 3, end: 3 },
    { topic: 'facts', offset: 0, end: 0 },
  ])
  const behind = (orders: number): string[] => feed.behind({ orders, touchpoints: 3 })
  expect(behind(7)).toEqual(['orders'])
  await hear(feed, [record('orders', 7), record('orders', 8)], 10)
  expect(behind(9)).toEqual(['orders'])
  await hear(feed, [record('orders', 9)], 10)
  expect(behind(9)).toEqual(['orders'])
  expect(behind(10)).toEqual([])
})

test('what nodes say to one another comes first, and each topic in order', async () => {
  const feed = openFeed()
  feed.start(['orders', 'facts'].map((topic) => ({ topic, offset: 0, end: 3 })))
  await hear(
    feed,
    [0, 1, 2].map((offset) => record('orders', offset)),
    3,
  )
  await hear(
    feed,
    [0, 1].map((offset) => record('facts', offset)),
    2,
  )
  const taken = [feed.take(1), feed.take(2), feed.take(9)]
  expect(taken.map((some) => some.map(({ topic, offset }) => `${topic} ${offset}`))).toEqual([
    ['facts 0'],
    ['facts 1', 'orders 0'],
    ['orders 1', 'orders 2'],
  ])
})
