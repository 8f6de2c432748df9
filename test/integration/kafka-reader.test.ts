// The promises of reading a topic to its end, on the real broker.
import { deadLettersTopic } from '../../services/core/topics'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import type { KafkaReader } from '../../services/runtime/kafka-reader'
import { TestBroker } from '../support/broker'
import { stackFromEnvironment } from '../support/stack'

let broker: TestBroker
let reader: KafkaReader
let topic: string

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  reader = await broker.kafka.connectReader()
  topic = broker.prefix + deadLettersTopic.name
})

afterEach(async () => {
  await reader.close()
  await broker.close()
})

function records(...values: string[]): OutgoingRecord[] {
  return values.map((value) => ({ topic, partition: 0, key: 'k', value: Buffer.from(value) }))
}

async function readAll(from = 0, to?: number, fetchBytes?: number): Promise<[number, string[]]> {
  const values: string[] = []
  const stretch = { topic, partition: 0, from }
  const next = await reader.read(
    {
      ...stretch,
      ...(to === undefined ? {} : { to }),
      ...(fetchBytes === undefined ? {} : { fetchBytes }),
    },
    (heard) => values.push(...heard.map(({ value }) => String(value))),
  )
  return [next, values]
}

test('an empty topic ends where it begins', async () => {
  expect(await readAll()).toEqual([0, []])
})

test('everything committed is read to the end, though the end is the marker of a transaction', async () => {
  await broker.writeRaw(records('plain'))
  const producer = await broker.kafka.connectTransactionalProducer({
    transactionalId: `${broker.prefix}reader`,
    transactionTimeoutMs: 10_000,
  })
  await producer.transact(records('committed'))
  const aborted = await producer.begin()
  await aborted.send(records('aborted'))
  await aborted.abort()
  const open = await producer.begin()
  await open.send(records('open'))
  // plain, committed, its marker, aborted, its marker; what is open is not decided yet.
  expect(await readAll()).toEqual([5, ['plain', 'committed']])
  await open.commit()
  expect(await readAll(5)).toEqual([7, ['open']])
  await producer.close()
})

test('a stretch ends where it is told to, begins where the log does, and does not stumble over large records', async () => {
  const large = 'x'.repeat(300_000)
  await broker.writeRaw(records('0', large, '2', '3'))
  expect(await readAll(1, 3, 1_000)).toEqual([3, [large, '2']])
  const admin = await broker.admin()
  // kafkajs finds the leader only of a topic it was asked about before.
  await admin.bounds(topic)
  await admin.deleteRecords(topic, [{ partition: 0, offset: 2 }])
  expect(await readAll()).toEqual([4, ['2', '3']])
})

test('headers and keys come as they were written', async () => {
  await broker.writeRaw([
    { topic, partition: 0, key: null, value: null, headers: { reason: 'undecodable', 名: '值' } },
  ])
  const seen: unknown[] = []
  await reader.read({ topic, partition: 0, from: 0 }, (heard) => seen.push(...heard))
  expect(seen).toEqual([
    {
      topic,
      partition: 0,
      offset: 0,
      key: null,
      value: null,
      headers: { reason: 'undecodable', 名: '值' },
      timestampMs: expect.any(Number),
    },
  ])
})

test('what is deleted while it is being read is passed over', async () => {
  const values = Array.from({ length: 100 }, (_, at) => String(at))
  // One batch each, so that they are read one by one.
  for (const value of values) await broker.writeRaw(records(value))
  const admin = await broker.admin()
  await admin.bounds(topic)
  const heard: string[] = []
  const deletions: Promise<void>[] = []
  const next = await reader.read({ topic, partition: 0, from: 0, fetchBytes: 1 }, (some) => {
    heard.push(...some.map(({ value }) => String(value)))
    if (deletions.length > 0) return
    deletions.push(admin.deleteRecords(topic, [{ partition: 0, offset: 98 }]))
  })
  await Promise.all(deletions)
  expect([next, heard.at(-1)]).toEqual([100, '99'])
  expect(heard.length).toBeLessThan(100)
})
