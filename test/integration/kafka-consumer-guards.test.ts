// What kafkajs's consumers do to us when the way to the broker fails, or a batch is long or unreadable, and what ours
// do about it. Each of these promises is broken without its guard in services/runtime/kafka-consumer.ts, -client.ts,
// -liveness.ts or -fetch.ts.
import { CompressionCodecs, CompressionTypes, Kafka } from 'kafkajs'
import { setTrap } from '../../infra/local/kafka-trap'
import { kafkaApi } from '../../infra/local/kafka-wire'
import { DependencyError, SetupError } from '../../services/runtime/errors'
import type { Batch, Consumer } from '../../services/runtime/kafka-consumer'
import { TestBroker } from '../support/broker'
import { FaultyKafka } from '../support/faulty-kafka'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

let faulty: FaultyKafka

beforeEach(async () => {
  faulty = await FaultyKafka.open()
})

afterEach(async () => {
  await faulty.close()
})

async function write(...values: string[]): Promise<void> {
  const producer = await faulty.direct.connectProducer()
  await producer.send(values.map((value) => faulty.record(value)))
  await producer.close()
}

const valuesOf = ({ records }: Batch): string[] => records.map(({ value }) => String(value))

/** A consumer that goes on where it stood after whatever interrupted it, as our services do. */
async function heard(): Promise<string[]> {
  const values: string[] = []
  let next = 0
  await faulty.consume({
    sessionTimeoutMs: 6_000,
    onAssigned: (_, consumer: Consumer) => {
      consumer.seek({ topic: faulty.topic, partition: 0, offset: next })
    },
    onBatch: (batch) => {
      values.push(...valuesOf(batch))
      next = batch.lastOffset + 1
    },
  })
  return values
}

test('a batch that takes longer than the session costs no membership', async () => {
  await write('a')
  const seen: string[] = []
  let joins = 0
  let release = (): void => undefined
  const long = new Promise<void>((resolve) => (release = resolve))
  let beats = 0
  faulty.proxy.intercept({
    response: ({ request: { api }, body }) => {
      if (api === kafkaApi.heartbeat && body.readInt16BE(4) === 0 && seen.length === 1) beats += 1
      return 'pass'
    },
  })
  await faulty.consume({
    sessionTimeoutMs: 1_500,
    onAssigned: () => (joins += 1),
    onBatch: async (batch) => {
      seen.push(...valuesOf(batch))
      if (seen.length === 1) await long
    },
  })
  // Three per session at least: more than two sessions have gone by.
  await until(() => beats >= 10)
  release()
  await write('b')
  await until(() => seen.includes('b'))
  expect([seen, joins]).toEqual([['a', 'b'], 1])
})

test('a partition that was sought hands over nothing from where it stood before', async () => {
  const both = await FaultyKafka.open(2)
  const producer = both.closing(await both.direct.connectProducer())
  await producer.send(
    ['a', 'b', 'c'].flatMap((value) => [both.record(value, 0), both.record(value, 1)]),
  )
  const seen: [number, string[]][] = []
  const consumer = await both.consume({
    onBatch: (batch) => {
      seen.push([batch.partition, valuesOf(batch)])
      // Both came with one fetch: the other one waits for this one.
      if (seen.length === 1) {
        consumer.seek({ topic: both.topic, partition: 1 - batch.partition, offset: 2 })
      }
    },
  })
  await until(() => seen.length >= 2)
  const first = seen[0]?.[0] ?? 0
  expect(seen).toEqual([
    [first, ['a', 'b', 'c']],
    [1 - first, ['c']],
  ])
  await both.close()
})

test('a batch that a dependency failed at comes again as a whole', async () => {
  await write('a', 'b', 'c')
  const seen: string[][] = []
  await faulty.consume({
    onBatch: (batch) => {
      seen.push(valuesOf(batch))
      if (seen.length < 3) throw new DependencyError('warehouse', 'away')
    },
  })
  await until(() => seen.length === 3)
  expect(seen).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ])
})

test('our own fault at a batch ends the consumer instead of being tried again for ever', async () => {
  await write('a')
  const crashes: Error[] = []
  await faulty.consume({
    onBatch: () => {
      throw new Error('credits do not sum')
    },
    onCrash: (error) => crashes.push(error),
  })
  await until(() => crashes.length > 0)
  expect(crashes.map(({ message }) => message)).toEqual(['credits do not sum'])
})

test('a commit counts only when the broker has it, also while the consumer is stopping', async () => {
  let joined = false
  const consumer = await faulty.consume({ onAssigned: () => (joined = true) })
  await until(() => joined)
  await consumer.commit([{ topic: faulty.topic, partition: 0, offset: 1, metadata: 'told' }])
  const leaving = setTrap(faulty.proxy, {
    ...{ api: kafkaApi.leaveGroup, at: 'request', verdict: 'swallow' },
  })
  const closing = consumer.close()
  await until(() => leaving.sprung() === 1)
  await expect(consumer.commit([{ topic: faulty.topic, partition: 0, offset: 2 }])).rejects.toThrow(
    'stopped before',
  )
  await closing
  expect(await faulty.admin.committed(faulty.topic, faulty.topic)).toEqual([
    { partition: 0, offset: 1, metadata: 'told' },
  ])
  expect(faulty.guards).toContain('commit_unconfirmed')
})

test('a consumer is begun anew until its coordinator is found again', async () => {
  const values = await heard()
  await write('a')
  await until(() => values.includes('a'))
  const lost = setTrap(faulty.proxy, {
    ...{ api: kafkaApi.findCoordinator, at: 'request', verdict: 'cut' },
    times: Infinity,
  })
  const notCoordinator = 16
  setTrap(faulty.proxy, {
    ...{ api: kafkaApi.heartbeat, at: 'response' },
    verdict: (body) => {
      body.writeInt16BE(notCoordinator, 4)
      return body
    },
  })
  await until(() => faulty.guards.filter((guard) => guard === 'consumer_begun_anew').length >= 2)
  lost.remove()
  await write('b')
  await until(() => values.includes('b'))
  expect(values).toEqual(['a', 'b'])
})

test('a consumer goes on after the broker was away for longer than kafkajs tries', async () => {
  const values = await heard()
  await write('a')
  await until(() => values.includes('a'))
  await faulty.proxy.refuse()
  await write('b')
  await until(() => faulty.guards.filter((guard) => guard === 'consumer_begun_anew').length >= 2)
  await faulty.proxy.pass()
  await until(() => values.includes('b'))
  expect(values).toEqual(['a', 'b'])
})

test('what kafkajs gives up for good is reported', async () => {
  const groupAuthorizationFailed = 30
  setTrap(faulty.proxy, {
    ...{ api: kafkaApi.joinGroup, at: 'response', times: Infinity },
    verdict: (body) => {
      body.writeInt16BE(groupAuthorizationFailed, 4)
      return body
    },
  })
  const crashes: Error[] = []
  await faulty.consume({ onCrash: (error) => crashes.push(error) })
  await until(() => crashes.length > 0)
  expect(crashes).toHaveLength(1)
  expect(crashes[0]?.message).toMatch(/Not authorized to access group/)
})

test('a consumer that stands still without a word is reported', async () => {
  const crashes: Error[] = []
  await faulty.consume({ silenceMaxMs: 1_000, onCrash: (error) => crashes.push(error) })
  faulty.proxy.stall()
  await until(() => crashes.length > 0)
  expect(crashes[0]?.message).toMatch(/has not fetched for/)
})

test('consumer and admin go on over new connections when the old ones are half-open', async () => {
  const values = await heard()
  const admin = faulty.closing(await faulty.kafka.connectAdmin())
  await write('a')
  await until(() => values.includes('a'))
  await admin.bounds(faulty.topic)
  faulty.proxy.stall()
  await expect(admin.bounds(faulty.topic)).rejects.toThrow('timed out')
  await faulty.proxy.pass()
  await write('b')
  expect(await admin.bounds(faulty.topic)).toEqual([{ partition: 0, low: 0, high: 2 }])
  // What was stalled when the fault ended is found out within one more time-out of 10 s.
  await until(() => values.includes('b'), 'what was written meanwhile', 15_000)
  expect(values).toEqual(['a', 'b'])
})

/** Writes as a producer does that packs with snappy, which kafkajs does not know. */
async function writePacked(topic: string, value: string): Promise<void> {
  const codecs = CompressionCodecs as unknown as Record<number, () => unknown>
  const unknown = codecs[CompressionTypes.Snappy]
  codecs[CompressionTypes.Snappy] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(asSnappyLiteral(buffer)),
  })
  const producer = new Kafka({ brokers: [...stackFromEnvironment().brokers] }).producer()
  await producer.connect()
  await producer.send({ topic, compression: CompressionTypes.Snappy, messages: [{ value }] })
  await producer.disconnect()
  if (unknown !== undefined) codecs[CompressionTypes.Snappy] = unknown
}

/** Snappy's own form of bytes that are not worth packing. */
function asSnappyLiteral(bytes: Buffer): Buffer {
  const literal60 = 60 << 2
  const length =
    bytes.length < 128 ? [bytes.length] : [128 | (bytes.length & 127), bytes.length >> 7]
  return Buffer.concat([Buffer.from([...length, literal60, bytes.length - 1]), bytes])
}

test('a batch packed in a way that cannot be read is named to the operator', async () => {
  await write('a')
  await write('b')
  await writePacked(faulty.topic, 'packed')
  const crashes: Error[] = []
  await faulty.consume({ onCrash: (error) => crashes.push(error) })
  await until(() => crashes.length > 0)
  expect(crashes).toHaveLength(1)
  expect(crashes[0]).toBeInstanceOf(SetupError)
  expect(crashes[0]?.message).toMatch(
    `the batch of ${faulty.topic}-0 at offset 2 is packed in a way that cannot be read (Snappy`,
  )
})

test('what others pack is readable on the topics that we make', async () => {
  const broker = await new TestBroker(stackFromEnvironment()).open()
  const topic = `${broker.prefix}touchpoints`
  await writePacked(topic, 'packed')
  const values: string[] = []
  await broker.watchRaw('touchpoints', (records) => {
    values.push(...records.map(({ value }) => String(value)))
  })
  await until(() => values.length > 0)
  expect(values).toEqual(['packed'])
  await broker.close()
})
