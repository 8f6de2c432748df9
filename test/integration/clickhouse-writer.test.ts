import type { Insert, Warehouse } from '../../services/runtime/clickhouse'
import { deadLetterSource, feedSource } from '../../services/clickhouse-writer/read-rows'
import { runWriter, type Writer } from '../../services/clickhouse-writer/run-writer'
import { createWriterMetrics } from '../../services/clickhouse-writer/writer-metrics'
import { partitionOf } from '../../services/core/partition'
import type { AttributedOrder, Touchpoint } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { feeds } from '../../services/core/warehouse/feeds'
import { localCodec } from '../../services/runtime/codec'
import { DependencyError, SetupError } from '../../services/runtime/errors'
import { createHealth, type Health } from '../../services/runtime/health'
import { createKafka, type KafkaClient } from '../../services/runtime/kafka'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import type { Producer } from '../../services/runtime/kafka-producer'
import { createLogger } from '../../services/runtime/logger'
import { createMetrics } from '../../services/runtime/metrics'
import { anOrder, aTouchpoint } from '../given'
import { aCredit, anAttributedOrder, nextVersion } from '../support/attributed-order'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

const partitions = 2
const limits = { recordsMax: 1_000, bytesMax: 1_000_000, waitMs: 20, longWaitMs: 20 }
const codecs = {
  touchpoint: localCodec('Touchpoint'),
  attributedOrder: localCodec('AttributedOrder'),
}
const read = [topics.touchpoints, topics.attributedOrders] as const

let warehouse: Warehouse
let kafka: KafkaClient
let admin: KafkaAdmin
let producer: Producer
/** Of the test that runs: topics and group of its own. */
let prefix = ''
let tests = 0
let writers: Writer[] = []
const created: string[] = []

beforeAll(async () => {
  const { brokers } = stackFromEnvironment()
  const logger = createLogger('test', 'silent')
  kafka = createKafka({ brokers, clientId: 'writer-test', logger })
  admin = await kafka.connectAdmin()
  producer = await kafka.connectProducer()
  warehouse = await openWarehouse('writer')
})

beforeEach(async () => {
  tests += 1
  prefix = `writer-${process.pid}-${tests}.`
  const names = [...read.map(({ name }) => prefix + name), `${prefix}dead-letters`]
  created.push(...names)
  await admin.createTopics(
    names.map((name) => ({
      name,
      partitions: name.endsWith('dead-letters') ? 1 : partitions,
      configuration: {},
    })),
  )
})

afterEach(async () => {
  await Promise.all(writers.map((writer) => writer.close()))
  writers = []
})

afterAll(async () => {
  await admin.deleteTopics(created)
  await producer.close()
  await admin.close()
  await dropWarehouse(warehouse)
})

interface Running {
  readonly writer: Writer
  readonly health: Health
  readonly crashes: unknown[]
  readonly metrics: () => Promise<string>
}

async function startWriter(
  given: { insert?: Warehouse['insert']; admin?: KafkaAdmin } = {},
): Promise<Running> {
  const health = createHealth(() => undefined)
  const crashes: unknown[] = []
  const metrics = createMetrics('clickhouse-writer')
  const sources = feeds.flatMap((feed) => {
    if (feed.topic === topics.touchpoints) return [feedSource(feed, codecs.touchpoint)]
    if (feed.topic === topics.attributedOrders) return [feedSource(feed, codecs.attributedOrder)]
    return []
  })
  const writer = await runWriter({
    kafka,
    admin: given.admin ?? admin,
    bury: (letters) => producer.send(letters),
    warehouse: { ...warehouse, insert: given.insert ?? ((insert) => warehouse.insert(insert)) },
    sources: [...sources, deadLetterSource()],
    groupId: `${prefix}writer`,
    sessionTimeoutMs: 6_000,
    topicPrefix: prefix,
    limits,
    health,
    metrics: createWriterMetrics(metrics),
    onCrash: (error) => crashes.push(error),
    now: Date.now,
  })
  writers.push(writer)
  return { writer, health, crashes, metrics: () => metrics.registry.metrics() }
}

async function stop({ writer }: Running): Promise<void> {
  await writer.close()
  writers = writers.filter((other) => other !== writer)
}

async function send(topic: { name: string }, key: string, value: Buffer | null): Promise<void> {
  const partition = partitionOf(Buffer.from(key), partitions)
  await producer.send([{ topic: prefix + topic.name, partition, key, value }])
}

async function sendTouchpoints(...touchpoints: Touchpoint[]): Promise<void> {
  await producer.send(
    touchpoints.map((touchpoint) => ({
      topic: prefix + topics.touchpoints.name,
      partition: 0,
      key: touchpoint.id,
      value: codecs.touchpoint.encode(touchpoint),
    })),
  )
}

async function sendOrders(...orders: AttributedOrder[]): Promise<void> {
  for (const order of orders) {
    await send(topics.attributedOrders, order.order.order_key, codecs.attributedOrder.encode(order))
  }
}

async function count(table: string): Promise<number> {
  const [row] = await warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM ${warehouse.database}.${table} WHERE startsWith(kafka_topic, '${prefix}')`,
  )
  return row?.n ?? 0
}

async function untilRows(table: string, rows: number): Promise<void> {
  await until(async () => (await count(table)) >= rows, `${rows} rows in ${table}`)
}

async function committed(topic: { name: string }, partition: number): Promise<string> {
  const offsets = await admin.committed(`${prefix}writer`, prefix + topic.name)
  const found = offsets.find((entry) => entry.partition === partition)
  return found === undefined ? '' : `${found.offset} ${found.metadata}`.trim()
}

/** Everything of a topic is written and committed, roll-ups included. */
async function untilWritten(topic: { name: string }): Promise<void> {
  for (const { partition, high } of await admin.bounds(prefix + topic.name)) {
    if (high === 0) continue
    await until(
      async () => (await committed(topic, partition)) === String(high),
      `${topic.name}-${partition} committed at ${high}`,
    )
  }
}

/** Sums of one shop in the roll-ups, beside what its present credits sum to. */
async function sums(shop: string): Promise<{ rolledUp: unknown; present: unknown }> {
  const columns = 'model, channel, sum(amount_minor) AS amount, sum(weight_ppb) AS weight'
  const query = (table: string): Promise<unknown> =>
    warehouse.query(
      `SELECT ${columns} FROM ${warehouse.database}.${table} WHERE shop = '${shop}'
       GROUP BY model, channel HAVING amount != 0 OR weight != 0 ORDER BY ALL`,
    )
  const rolledUp = await query('credit_hours')
  expect(await query('credit_days')).toEqual(rolledUp)
  return { rolledUp, present: await query('credits') }
}

/** Orders of one shop, each credited anew once. */
function ordersOf(shop: string, number: number): AttributedOrder[] {
  return Array.from({ length: number }, (_, index) => {
    const orderId = `${shop}-${index}`
    const order = anOrder({ order_id: orderId, order_key: `douyin:${shop}:${orderId}`, shop })
    const first = anAttributedOrder({ order })
    return [first, nextVersion(first, { credits: [aCredit({ channel: 'wechat.group' })] })]
  }).flat()
}

test('touchpoints and orders appear in their tables, with where they stood in Kafka', async () => {
  await startWriter()
  await sendTouchpoints(aTouchpoint({ id: 'a' }), aTouchpoint({ id: 'b' }))
  await sendOrders(...ordersOf('plain', 2))
  await untilRows('touchpoints', 2)
  await untilWritten(topics.attributedOrders)
  const rows = await warehouse.query(
    `SELECT id, kafka_partition, kafka_offset FROM ${warehouse.database}.touchpoints
     WHERE startsWith(kafka_topic, '${prefix}') ORDER BY id`,
  )
  expect(rows).toEqual([
    { id: 'a', kafka_partition: 0, kafka_offset: 0 },
    { id: 'b', kafka_partition: 0, kafka_offset: 1 },
  ])
  const { rolledUp, present } = await sums('plain')
  expect(rolledUp).toEqual(present)
})

test('a written batch leaves its offset committed and no note beside it', async () => {
  await startWriter()
  await sendTouchpoints(aTouchpoint({ id: 'a' }), aTouchpoint({ id: 'b' }))
  await until(async () => (await committed(topics.touchpoints, 0)) === '2', 'offset 2 committed')
})

test('what was written is counted, with how fresh it was and how much is left', async () => {
  const { metrics } = await startWriter()
  await sendTouchpoints(aTouchpoint({ id: 'a' }), aTouchpoint({ id: 'b' }))
  await until(async () => (await committed(topics.touchpoints, 0)) === '2', 'offset 2 committed')
  const own = 'attribution_clickhouse_writer'
  // The broker knows of a commit before its answer reaches the writer, which then counts what is left.
  const nothingLeft = `${own}_lag_records{topic="${prefix}touchpoints",partition="0"} 0`
  await until(async () => (await metrics()).includes(nothingLeft), 'lag of 0 counted')
  const text = await metrics()
  expect(text).toContain(`${own}_rows_total{table="touchpoints"} 2`)
  expect(text).toContain(`${own}_freshness_seconds_count{table="touchpoints"} 2`)
  expect(text).toContain(`${own}_records_total{stage="touchpoints",outcome="written",reason=""} 2`)
})

test('a topic that does not exist is named, with the way out', async () => {
  const missing = { ...admin, partitionCounts: () => Promise.resolve(new Map<string, number>()) }
  await expect(startWriter({ admin: missing })).rejects.toThrow(/no topic .*run npm run provision/)
})

test('a record that cannot be decoded becomes a dead letter, and the rest goes on', async () => {
  await startWriter()
  await send(topics.touchpoints, 'key', Buffer.from('not avro'))
  await sendTouchpoints(aTouchpoint({ id: 'good' }))
  await untilRows('touchpoints', 1)
  await untilRows('dead_letters', 1)
  const letters = await warehouse.query(
    `SELECT origin_topic, origin_offset, stage, reason, base64Decode(record_value) AS value
     FROM ${warehouse.database}.dead_letters WHERE startsWith(kafka_topic, '${prefix}')`,
  )
  expect(letters).toEqual([
    {
      origin_topic: `${prefix}touchpoints`,
      origin_offset: 0,
      stage: 'clickhouse-writer',
      reason: 'undecodable',
      value: 'not avro',
    },
  ])
})

test('a row ClickHouse refuses for its data becomes a dead letter, and the rest goes on', async () => {
  const table = `${warehouse.database}.touchpoints`
  await warehouse.command(`ALTER TABLE ${table} ADD CONSTRAINT sound CHECK channel != 'unsound'`)
  await sendTouchpoints(
    ...Array.from({ length: 9 }, (_, index) =>
      aTouchpoint({ id: `t${index}`, channel: index === 5 ? 'unsound' : 'sound' }),
    ),
  )
  const { crashes } = await startWriter()
  await untilRows('touchpoints', 8)
  await untilRows('dead_letters', 1)
  await until(async () => (await committed(topics.touchpoints, 0)) === '9', 'all committed')
  await warehouse.command(`ALTER TABLE ${table} DROP CONSTRAINT sound`)
  expect([await count('touchpoints'), await count('dead_letters'), crashes]).toEqual([8, 1, []])
})

test('while ClickHouse is away nothing is skipped, readiness names it, and then all is written', async () => {
  let away = true
  const { health } = await startWriter({
    insert: (insert) =>
      away ? Promise.reject(new DependencyError('clickhouse', 'away')) : warehouse.insert(insert),
  })
  health.started()
  await sendOrders(...ordersOf('away', 3))
  await until(() => health.faults().includes('clickhouse: clickhouse: away'), 'a fault')
  expect(await count('attributed_orders')).toBe(0)
  away = false
  await untilWritten(topics.attributedOrders)
  await until(() => health.faults().length === 0, 'no fault')
  const { rolledUp, present } = await sums('away')
  expect(rolledUp).toEqual(present)
})

const crashPoints: [string, (insert: Insert) => Promise<void>][] = [
  ['between noting a batch and inserting it', () => Promise.resolve()],
  ['between inserting a batch and committing it', (insert) => insertOnce(insert)],
]

async function insertOnce(insert: Insert): Promise<void> {
  await warehouse.insert(insert)
}

test.each(crashPoints)(
  'a crash %s loses and doubles nothing, in tables and roll-ups',
  async (point, before) => {
    const shop = point.includes('noting') ? 'crash-before' : 'crash-after'
    const doomed = await startWriter({
      insert: async (insert) => {
        if (insert.table === 'attributed_orders') {
          await before(insert)
          throw new Error('killed')
        }
        return warehouse.insert(insert)
      },
    })
    await sendOrders(...ordersOf(shop, 4))
    await until(() => doomed.crashes.length > 0, 'crashed')
    await stop(doomed)
    const notes = [0, 1].map((partition) => committed(topics.attributedOrders, partition))
    expect((await Promise.all(notes)).join(' and ')).toMatch(/\b0 batch=[01]:0-\d+/)
    // More has come in the meantime: a batch rebuilt by size or time would now be another one.
    await sendOrders(...ordersOf(`${shop}-later`, 4))

    await startWriter()
    await untilWritten(topics.attributedOrders)
    expect(await count('attributed_orders')).toBe(16)
    const { rolledUp, present } = await sums(shop)
    expect(rolledUp).toEqual(present)
    expect(rolledUp).toEqual([
      { model: 'last', channel: 'wechat.group', amount: 40_000, weight: 4_000_000_000 },
    ])
  },
)

test('a cut-off batch of partitions that went to different owners is written once, by both', async () => {
  // More comes in while a batch is being written, and gathers into the next: soon one is of both partitions.
  const orders = ordersOf('parted', 400)
  await sendOrders(...orders.splice(0, 4))
  const doomed = await startWriter({
    insert: async (insert) => {
      await sendOrders(...orders.splice(0, 4))
      await warehouse.insert(insert)
      if (new Set(insert.rows.map((row) => row['kafka_partition'])).size > 1) {
        throw new Error('killed')
      }
      return null
    },
  })
  await until(() => doomed.crashes.length > 0, 'crashed over a batch of both partitions')
  await stop(doomed)
  const note = /^\d+ (batch=0:\S+,1:\S+|batch=1:\S+,0:\S+)$/
  const notes = [0, 1].map((partition) => committed(topics.attributedOrders, partition))
  const [first = '', second = ''] = await Promise.all(notes)
  expect(first).toMatch(note)
  expect(note.exec(second)?.[1]).toBe(note.exec(first)?.[1])

  let open: () => void = () => undefined
  const parted = new Promise<void>((resolve) => (open = resolve))
  const repeats: Insert[] = []
  const insert = async (given: Insert): ReturnType<Warehouse['insert']> => {
    await parted
    repeats.push(given)
    return warehouse.insert(given)
  }
  const owners = [await startWriter({ insert }), await startWriter({ insert })]
  const topic = prefix + topics.attributedOrders.name
  const owned = ({ writer }: Running): number =>
    [0, 1].filter((partition) => writer.writtenUpTo({ topic, partition }) !== null).length
  await until(() => owners.every((owner) => owned(owner) === 1), 'each owns one partition')
  open()
  await sendOrders(...ordersOf('parted-later', 2))
  await untilWritten(topics.attributedOrders)
  const tokens = repeats.map(({ token }) => token)
  expect(tokens.filter((token) => token === tokens[0]).length).toBeGreaterThan(1)
  const [doubled] = await warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM (SELECT order_key FROM ${warehouse.database}.attributed_orders
     WHERE shop = 'parted' GROUP BY order_key, version HAVING count() > 1)`,
  )
  expect(doubled?.n).toBe(0)
  const { rolledUp, present } = await sums('parted')
  expect(rolledUp).toEqual(present)
})

test('an owner that wakes up after its partitions were taken over doubles nothing', async () => {
  let wake: () => void = () => undefined
  const asleep = new Promise<void>((resolve) => (wake = resolve))
  const lateInserts: Promise<unknown>[] = []
  const former = await startWriter({
    insert: async (insert) => {
      if (insert.table !== 'attributed_orders') return warehouse.insert(insert)
      const late = asleep.then(() => warehouse.insert(insert))
      lateInserts.push(late)
      return late
    },
  })
  await sendOrders(...ordersOf('asleep', 4))
  await until(() => lateInserts.length > 0, 'asleep')
  // Its member is out of the group before it wakes.
  await stop(former)
  await startWriter()
  await untilWritten(topics.attributedOrders)
  wake()
  await Promise.all(lateInserts)
  expect(await count('attributed_orders')).toBe(8)
  const { rolledUp, present } = await sums('asleep')
  expect(rolledUp).toEqual(present)
})

test('partitions that change hands while records pour in are written once', async () => {
  const first = await startWriter()
  const orders = ordersOf('hands', 150)
  await sendOrders(...orders.slice(0, 100))
  const second = await startWriter()
  await sendOrders(...orders.slice(100, 200))
  await stop(first)
  await sendOrders(...orders.slice(200))
  await untilWritten(topics.attributedOrders)
  expect(await count('attributed_orders')).toBe(orders.length)
  const { rolledUp, present } = await sums('hands')
  expect(rolledUp).toEqual(present)
  expect([first.crashes, second.crashes]).toEqual([[], []])
})

test('offsets that were deleted before they were written are named, not jumped over', async () => {
  const earlier = await startWriter()
  await sendTouchpoints(aTouchpoint({ id: 'a' }))
  await until(async () => (await committed(topics.touchpoints, 0)) === '1', 'offset 1 committed')
  await stop(earlier)
  const cut: KafkaAdmin = {
    ...admin,
    bounds: async (topic) =>
      (await admin.bounds(topic)).map((bound) =>
        topic.endsWith('touchpoints') && bound.partition === 0
          ? { ...bound, low: 5, high: 9 }
          : bound,
      ),
  }
  const { crashes } = await startWriter({ admin: cut })
  await until(() => crashes.length > 0, 'a refusal')
  expect(crashes[0]).toBeInstanceOf(SetupError)
  expect(String(crashes[0])).toContain(
    `${prefix}touchpoints-0: offsets 1 to 4 were deleted before they were written`,
  )
})
