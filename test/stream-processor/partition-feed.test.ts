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

function openFeed(consumer = nowhere): PartitionFeed {
  return new PartitionFeed({
    ...{ stage: { name: 'journey' }, partition: 0, metrics: noMetrics, consumer },
    wiring: { inputs: ['orders', 'touchpoints', 'facts'], loop: 'facts', changelog: 'changelog' },
    admin: { bounds: () => Promise.resolve([]) },
    limits: { queueRecordsMax: 10, queueBytesMax: 1_000 },
  })
}

function record(topic: string, offset: number, timestampMs = 0): IncomingRecord {
  const value = Buffer.from('x')
  return { topic, partition: 0, offset, key: value, value, headers: {}, timestampMs }
}

function namesOf(records: readonly IncomingRecord[]): string[] {
  return records.map(({ topic, offset }) => `${topic} ${offset}`)
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
  expect(taken.map(namesOf)).toEqual([
    ['facts 0'],
    ['facts 1', 'orders 0'],
    ['orders 1', 'orders 2'],
  ])
})

const backlog = ['touchpoints', 'orders', 'facts'].map((topic) => ({ topic, offset: 0, end: 2 }))

test('of a backlog comes first what reached its topic first', async () => {
  const feed = openFeed()
  feed.start(backlog)
  await hear(feed, [record('orders', 0, 20), record('orders', 1, 40)], 2)
  await hear(feed, [record('touchpoints', 0, 10), record('touchpoints', 1, 30)], 2)
  const inTurn = ['touchpoints 0', 'orders 0', 'touchpoints 1', 'orders 1']
  expect(namesOf(feed.take(9))).toEqual(inTurn)
})

test('while an input has more that has not come, only what nodes say to one another is taken', async () => {
  const feed = openFeed()
  feed.start(backlog)
  await hear(feed, [record('orders', 0, 20), record('orders', 1, 40)], 2)
  expect(feed.take(9)).toEqual([])
  await hear(feed, [record('facts', 0, 50)], 2)
  expect(namesOf(feed.take(9))).toEqual(['facts 0'])
  await hear(feed, [record('touchpoints', 0, 10)], 2)
  expect(namesOf(feed.take(9))).toEqual(['touchpoints 0'])
  await hear(feed, [record('touchpoints', 1, 30)], 2)
  expect(namesOf(feed.take(9))).toEqual(['orders 0', 'touchpoints 1', 'orders 1'])
})

test('what does not come is waited for only so long, and once', async () => {
  const feed = openFeed()
  feed.start(backlog)
  await hear(feed, [record('orders', 0), record('orders', 1)], 3)
  for (let step = 1; step < 10; step += 1) feed.losePatience()
  expect(feed.take(9)).toEqual([])
  feed.losePatience()
  expect(namesOf(feed.take(9))).toEqual(['orders 0', 'orders 1'])
  await hear(feed, [record('orders', 2)], 3)
  expect(namesOf(feed.take(9))).toEqual(['orders 2'])
})

test('an input of which enough waits does not keep the others from being fetched', async () => {
  const paused = new Set<string>()
  const feed = openFeed({
    ...nowhere,
    pause: (partitions) => {
      for (const { topic } of partitions) paused.add(topic)
    },
    resume: (partitions) => {
      for (const { topic } of partitions) paused.delete(topic)
    },
  })
  feed.start(backlog)
  await hear(
    feed,
    [0, 1, 2, 3].map((offset) => record('orders', offset, 20)),
    9,
  )
  expect([...paused]).toEqual(['orders'])
  await hear(feed, [record('touchpoints', 0, 30), record('touchpoints', 1, 30)], 2)
  expect(feed.take(2)).toHaveLength(2)
  expect([...paused]).toEqual(['orders'])
  expect(feed.take(1)).toHaveLength(1)
  expect([...paused]).toEqual([])
})

test('a batch that begins beyond what is expected is asked for again until it begins no later than before', async () => {
  const sought: number[] = []
  const feed = openFeed({ ...nowhere, seek: ({ offset }) => sought.push(offset) })
  feed.start([{ topic: 'orders', offset: 4, end: 9 }])
  const inTurn: [offset: number, taken: string[]][] = [
    [5, []],
    [6, []],
    [6, ['orders 6']],
  ]
  for (const [offset, taken] of inTurn) {
    await hear(feed, [record('orders', offset)], 9)
    expect(namesOf(feed.take(9))).toEqual(taken)
  }
  expect(sought).toEqual([4, 4, 4])
})
