// The guards around kafkajs, on the real broker.
import { randomBytes } from 'node:crypto'
import { createLogger } from '../../services/runtime/logger'
import { createKafka, type KafkaClient } from '../../services/runtime/kafka'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import type { Batch, Consumer } from '../../services/runtime/kafka-consumer'
import type { TransactionalProducer } from '../../services/runtime/kafka-producer'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

let kafka: KafkaClient
let admin: KafkaAdmin
let topic: string
const consumers: Consumer[] = []
const producers: TransactionalProducer[] = []

beforeEach(async () => {
  kafka = createKafka({
    brokers: stackFromEnvironment().brokers,
    clientId: 'test',
    logger: createLogger('test', 'silent'),
  })
  admin = await kafka.connectAdmin()
  topic = `kafka-${randomBytes(4).toString('hex')}`
  await admin.createTopics([{ name: topic, partitions: 1, configuration: {} }])
})

afterEach(async () => {
  await Promise.all([...consumers.splice(0), ...producers.splice(0)].map((one) => one.close()))
  await admin.close()
})

async function transactional(id: string): Promise<TransactionalProducer> {
  const producer = await kafka.connectTransactionalProducer({
    transactionalId: `${topic}-${id}`,
    transactionTimeoutMs: 30_000,
  })
  producers.push(producer)
  return producer
}

const record = (value: string) => ({ topic, partition: 0, key: 'k', value: Buffer.from(value) })

async function read(from = 0): Promise<string[]> {
  const values: string[] = []
  consumers.push(
    await kafka.runConsumer({
      groupId: `${topic}-${randomBytes(4).toString('hex')}`,
      topics: [topic],
      onAssigned: (_, consumer) => {
        consumer.seek({ topic, partition: 0, offset: from })
      },
      onBatch: ({ records }: Batch) => {
        values.push(...records.map(({ value }) => String(value)))
      },
      onCrash: (error) => {
        throw error
      },
    }),
  )
  await until(() => values.includes('end'))
  return values
}

test('records of aborted transactions stay hidden when such transactions overlap', async () => {
  const [first, second, last] = [
    await transactional('1'),
    await transactional('2'),
    await transactional('3'),
  ]
  const one = await first.begin()
  await one.send([record('aborted 1a')])
  const two = await second.begin()
  await two.send([record('aborted 2a')])
  await one.send([record('aborted 1b')])
  await two.send([record('aborted 2b')])
  await two.abort()
  await one.send([record('aborted 1c')])
  await one.abort()
  await last.transact([record('committed'), record('end')])
  expect(await read()).toEqual(['committed', 'end'])
})

test('records of aborted transactions stay hidden when a fetch starts inside them', async () => {
  const [first, second, last] = [
    await transactional('1'),
    await transactional('2'),
    await transactional('3'),
  ]
  const one = await first.begin()
  const two = await second.begin()
  await one.send([record('aborted 1a')])
  await two.send([record('aborted 2a')])
  await one.send([record('aborted 1b')])
  await two.send([record('aborted 2b')])
  await two.abort()
  await one.abort()
  await last.transact([record('end')])
  for (const from of [1, 2, 3]) expect(await read(from)).toEqual(['end'])
})

test('a producer of the same transactional id fences the older one', async () => {
  const [older, newer] = [await transactional('same'), await transactional('same')]
  await older.transact([record('first')])
  await newer.transact([record('newer')])
  await expect(older.transact([record('older')])).rejects.toThrow(/kafka/)
  await newer.transact([record('end')])
  expect(await read()).toEqual(['first', 'newer', 'end'])
})

test('a transaction larger than one batch of the broker goes out in pieces and counts as one', async () => {
  const producer = await transactional('large')
  const many = Array.from({ length: 2_100 }, (_, at) => record(`${at} ${'x'.repeat(600)}`))
  const next = await producer.transact([...many, record('end')])
  expect(next.get(`${topic}:0`)).toBe(2_101)
  expect(await read()).toHaveLength(2_101)
})
