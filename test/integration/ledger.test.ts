// The ledger over real parts: the writer as a process, edges and the stream processor played by the test, so that
// each can lose exactly what it is to lose.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { touchpointKey } from '../../services/core/identity/node'
import { touchpointInLedger, type LedgerKind } from '../../services/core/ledger/tally'
import { partitionOf } from '../../services/core/partition'
import type { AttributedOrder, Order, Touchpoint } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { lookAtLedger, type Difference } from '../../services/runtime/ledger-look'
import { rebuildDay } from '../../services/runtime/ledger-roll-ups'
import { projectDirectory } from '../../services/runtime/schemas'
import { anOrder, aTouchpoint } from '../given'
import { anAttributedOrder } from '../support/attributed-order'
import { TestBroker } from '../support/broker'
import { TestEdge } from '../support/test-edge'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

let broker: TestBroker
let warehouse: Warehouse
let writer: ServiceProcess
const edges: TestEdge[] = []
/** Of the test that runs: its events carry a source of their own. */
let source = ''
let tests = 0

beforeAll(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  warehouse = await openWarehouse('ledger')
  writer = new ServiceProcess('clickhouse-writer', {
    ...broker.environment(),
    CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
    CLICKHOUSE_DATABASE: warehouse.database,
    SESSION_TIMEOUT_MS: '6000',
    LEDGER_FLUSH_MS: '100',
    LEDGER_LOOK_MS: '200',
    LEDGER_OLDER_THAN_MS: '0',
  })
  await writer.start()
})

beforeEach(() => {
  tests += 1
  source = `source-${tests}`
})

afterEach(async () => {
  for (const edge of edges.splice(0)) await edge.ledger.close()
})

afterAll(async () => {
  await writer.stop()
  await dropWarehouse(warehouse)
  await broker.close()
})

function anEdge(kind: LedgerKind = 'touchpoint'): TestEdge {
  const edge = new TestEdge({ broker, warehouse, kind })
  edges.push(edge)
  return edge
}

/** Touchpoints of this test, accepted now. */
function touched(...ids: string[]): Touchpoint[] {
  const now = Date.now()
  return ids.map((id) => aTouchpoint({ source, id, at: now, accepted_at: now }))
}

function bought(orderId: string, given: Partial<Order> = {}): Order {
  const now = Date.now()
  return anOrder({
    order_id: `${source}-${orderId}`,
    source,
    paid_at: now,
    updated_at: now,
    accepted_at: now,
    ...given,
  })
}

/** What the stream processor would say of orders. */
async function attribute(...orders: Order[]): Promise<AttributedOrder[]> {
  const attributed = orders.map((order) =>
    anAttributedOrder({ order, converted_at: order.paid_at }),
  )
  await broker.write(
    topics.attributedOrders,
    attributed.map((one) => [one.order.order_key, one]),
  )
  return attributed
}

async function count(table: string, condition = `source = '${source}'`): Promise<number> {
  const [row] = await warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM ${warehouse.database}.${table} WHERE ${condition}`,
  )
  return row?.n ?? 0
}

/** Differences of this test's source that were due when their station was looked at, in words. */
async function differences(): Promise<string[]> {
  const { differences: found } = await lookAtLedger(warehouse)
  return found
    .filter((one) => one.source === source || one.kind === 'roll_up' || one.source === '')
    .map(textOf)
}

function textOf({ kind, station, fault, records, ids, seenAt }: Difference): string {
  return `${records} ${kind} ${fault} at ${station}, seen at ${seenAt}: ${ids.join(' ')}`
}

/** As a replay of dead letters writes: in a transaction, whose mark takes an offset of its own. */
async function writeInTransaction(
  touchpoint: Touchpoint,
  { committed }: { readonly committed: boolean },
): Promise<void> {
  const producer = await broker.kafka.connectTransactionalProducer({
    transactionalId: `${broker.prefix}operator`,
    transactionTimeoutMs: 10_000,
  })
  const transaction = await producer.begin()
  const codec = await broker.registry.topicCodec(topics.touchpoints)
  const key = touchpointKey(touchpoint)
  const partition = partitionOf(Buffer.from(key), broker.partitions)
  const topic = broker.prefix + topics.touchpoints.name
  await transaction.send([{ topic, partition, key, value: codec.encode(touchpoint) }])
  // Left open it is aborted by whoever begins next.
  if (committed) await transaction.commit()
  await producer.close()
}

/** `npm run ledger -- …` */
function command(...args: string[]) {
  const script = join(projectDirectory(), 'dist', 'scripts', 'ledger.js')
  const address = {
    CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
    CLICKHOUSE_DATABASE: warehouse.database,
  }
  return spawnSync(process.execPath, [script, ...args], {
    env: { ...process.env, ...address },
    encoding: 'utf8',
  })
}

/** Everything Kafka had taken by now has been read. */
async function untilRead(): Promise<void> {
  const before = await clock()
  await until(async () => {
    const { marks } = await lookAtLedger(warehouse)
    return Math.min(marks.topicReadUntil('touchpoint'), marks.topicReadUntil('order')) >= before
  }, 'the topics to be read')
}

async function clock(): Promise<number> {
  const [row] = await warehouse.query<{ at: number }>(
    'SELECT toUnixTimestamp64Milli(now64(3)) AS at',
  )
  return row?.at ?? 0
}

/** The five stations of this test's minutes, in sum. */
async function stations(kind: LedgerKind) {
  const [row] = await warehouse.query<Record<string, number>>(
    `SELECT sum(accepted) AS accepted, sum(in_topic) AS in_topic, sum(ids) AS ids,
       sum(in_clickhouse) AS in_clickhouse, max(differs_at) AS differs_at
     FROM ${warehouse.database}.ledger WHERE source = '${source}' AND kind = '${kind}'`,
  )
  return row
}

test('what arrives everywhere is counted alike everywhere, and nothing is reported', async () => {
  const collector = anEdge()
  const gateway = anEdge('order')
  await collector.take(touched('a', 'b', 'c', '抖店-1'))
  const orders = [bought('1'), bought('2')]
  await gateway.take(orders)
  await attribute(...orders)
  await until(async () => (await count('touchpoints')) === 4)
  await until(async () => (await count('orders')) === 2)
  await until(async () => (await stations('order'))?.['accepted'] === 2)
  await untilRead()
  expect(await stations('touchpoint')).toEqual({
    ...{ accepted: 4, in_topic: 4, ids: 4, in_clickhouse: 4, differs_at: '' },
  })
  expect(await stations('order')).toEqual({
    ...{ accepted: 2, in_topic: 2, ids: 2, in_clickhouse: 2, differs_at: '' },
  })
  expect(await differences()).toEqual([])
})

test('what a client sends again, later or at once, is explained', async () => {
  const collector = anEdge()
  const [first, again] = [touched('a', 'b'), touched('a', 'b')]
  await collector.take(first)
  await collector.take(again.map((one) => ({ ...one, accepted_at: one.accepted_at + 61_000 })))
  await until(async () => (await count('topic_records')) === 4)
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 4)
  await untilRead()
  expect(await differences()).toEqual([])
})

test('an edge that died before it told, and a client that heard nothing, are no differences', async () => {
  const killed = anEdge()
  await killed.take(touched('a', 'b'), { told: false })
  await killed.take(touched('c'))
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 1)
  await until(async () => (await count('topic_records')) === 3)
  await untilRead()
  expect(await differences()).toEqual([])
})

test('a record that the edge wrote twice is explained, and counts once behind the topic', async () => {
  const collector = anEdge()
  const [touch] = touched('a')
  if (touch === undefined) throw new Error('no touch')
  const record = touchpointInLedger(touch)
  const ticket = collector.ledger.take([record])
  await collector.write(touch, ticket.headers[0])
  await collector.write(touch, ticket.headers[0])
  ticket.accepted()
  await until(async () => (await count('topic_records')) === 2)
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 1)
  await untilRead()
  expect(await stations('touchpoint')).toMatchObject({
    accepted: 1,
    in_topic: 2,
    ids: 1,
    differs_at: '',
  })
  expect(await differences()).toEqual([])
})

test('a record answered 2xx for that is not in the topic is missing there, even beside others that nobody counted', async () => {
  const collector = anEdge()
  await collector.take(touched('a'), { told: false })
  await collector.take(touched('b'))
  await collector.take(touched('lost'), { written: false })
  await collector.take(touched('c', 'd'), { told: false })
  await until(async () => (await count('topic_records')) === 4)
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 2)
  await untilRead()
  expect(await differences()).toEqual([
    expect.stringMatching(/^1 touchpoint missing at topic, seen at accepted: [\w-]+:2$/),
  ])
})

test('what waits on the disk of an edge is on its way', async () => {
  const collector = anEdge()
  collector.waitingSince = Date.now()
  await collector.take(touched('a'), { written: false })
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 1)
  await untilRead()
  expect(await differences()).toEqual([])
  collector.waitingSince = null
  await until(async () => (await differences()).length === 1, 'the record to be missed')
})

test('a row deleted from ClickHouse is missing there, and one written by hand is too much', async () => {
  const collector = anEdge()
  await collector.take(touched('a', 'b', 'c'))
  await until(async () => (await count('touchpoints')) === 3)
  await warehouse.command(
    `ALTER TABLE ${warehouse.database}.touchpoints DELETE WHERE source = '${source}' AND id = 'b'
     SETTINGS mutations_sync = 2`,
  )
  await warehouse.command(
    `INSERT INTO ${warehouse.database}.touchpoints (source, id, type, at, accepted_at)
     VALUES ('${source}', 'forged', 'click', now64(3), now64(3))`,
  )
  expect((await differences()).sort()).toEqual([
    '1 touchpoint missing at clickhouse, seen at topic: b',
    '1 touchpoint surplus at clickhouse, seen at clickhouse: forged',
  ])
  const { status, stdout } = command('--older-than', '0s')
  expect(status).toBe(1)
  expect(stdout).toMatch(new RegExp(`touchpoint +${source} +clickhouse +missing +1 .*\\n +b\\n`))
  expect(command('--older-than', '10h')).toMatchObject({ status: 0 })
  expect(command('--older-than', 'long')).toMatchObject({ status: 2 })
})

test('an order that is not there, or only as it was before, is missing or stale', async () => {
  const gateway = anEdge('order')
  const [paid, lost] = [bought('1'), bought('2')]
  const refunded = {
    ...paid,
    status: 'refunded',
    refunded_minor: 10_000,
    updated_at: Date.now() + 1,
  }
  await gateway.take([paid, lost, refunded])
  await attribute(paid)
  await until(async () => (await count('orders')) === 1)
  await until(async () => (await count('topic_records')) === 3)
  expect((await differences()).sort()).toEqual([
    `1 order missing at clickhouse, seen at topic: ${lost.order_key}`,
    `1 order stale at clickhouse, seen at topic: ${paid.order_key}`,
  ])
})

test('what was buried, and what was forgotten on request, is explained', async () => {
  const table = `${warehouse.database}.touchpoints`
  await warehouse.command(`ALTER TABLE ${table} ADD CONSTRAINT sound CHECK id != 'unsound'`)
  const collector = anEdge()
  await collector.take(touched('a', 'unsound', 'forgotten'))
  await until(
    async () => (await count('touchpoints')) === 2,
    () => writer.output().slice(-3000),
  )
  await until(
    async () => (await count('dead_letters', '1')) > 0,
    () => writer.output().slice(-3000),
  )
  await warehouse.command(`ALTER TABLE ${table} DROP CONSTRAINT sound`)
  await warehouse.command(
    `ALTER TABLE ${table} DELETE WHERE source = '${source}' AND id = 'forgotten' SETTINGS mutations_sync = 2`,
  )
  expect(await differences()).toEqual([
    '1 touchpoint missing at clickhouse, seen at topic: forgotten',
  ])
  await warehouse.command(
    `INSERT INTO ${warehouse.database}.ledger_forgotten (kind, source, id_hash)
     SELECT kind, source, id_hash FROM ${warehouse.database}.topic_records
     WHERE source = '${source}' AND id = 'forgotten'`,
  )
  expect(await differences()).toEqual([])
})

test('a sum that drifted from the orders is found by day, and a rebuild brings back exactly that day', async () => {
  const order = bought('1')
  const gateway = anEdge('order')
  await gateway.take([order])
  await attribute(order)
  await until(async () => (await count('orders')) === 1)
  const digest = async (): Promise<unknown> =>
    warehouse.query(
      `SELECT digest FROM ${warehouse.database}.table_digests WHERE name = 'credit_hours'`,
    )
  // A row may be seen a moment before its sum.
  await until(async () => (await count('roll_up_residues', '1')) === 0)
  const right = await digest()
  for (let times = 0; times < 2; times += 1) {
    await warehouse.command(
      `INSERT INTO ${warehouse.database}.credit_hours
       SELECT * REPLACE (77 AS amount_minor) FROM ${warehouse.database}.credit_hours LIMIT 1
       SETTINGS insert_deduplicate = 0`,
    )
    expect(await differences()).toEqual([expect.stringMatching(/^1 roll_up drifted at roll_up/)])
    const day = new Date(order.paid_at ?? 0).toISOString().slice(0, 10)
    expect(await rebuildDay(warehouse, day)).toBe(1)
    expect(await digest()).toEqual(right)
    expect(await differences()).toEqual([])
  }
})

test('marks of transactions and what aborted ones wrote hold nothing, and nothing was removed there', async () => {
  const collector = anEdge()
  const [first, aborted, replayed, last] = touched('first', 'aborted', 'replayed', 'last')
  if (!first || !aborted || !replayed || !last) throw new Error('no touches')
  await collector.take([first])
  await writeInTransaction(aborted, { committed: false })
  await writeInTransaction(replayed, { committed: true })
  await until(async () => (await count('touchpoints')) === 2)
  // The mark at the end of the partition is no record that nobody has read.
  await untilRead()
  expect(await differences()).toEqual([])
  await collector.take([last])
  await until(async () => (await count('touchpoints')) === 3)
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 2)
  await untilRead()
  expect(await differences()).toEqual([])
})

test('records removed from the topic before they were read are missing, by sequence and by offset', async () => {
  const collector = anEdge()
  await collector.take(touched('before'))
  await until(async () => (await count('touchpoints')) === 1)
  await writer.stop()
  await collector.take(touched('lost-1', 'lost-2'))
  const admin = await broker.admin()
  const topic = broker.prefix + topics.touchpoints.name
  const bounds = await admin.bounds(topic)
  await admin.deleteRecords(
    topic,
    bounds.map(({ partition, high }) => ({ partition, offset: high })),
  )
  await collector.take(touched('after'))
  // It may have said that it is ready before it looked where it stands.
  await writer.start().catch(() => undefined)
  await until(
    () => writer.output().includes('were deleted before they were written'),
    () => writer.output().slice(-3000),
  )
  expect(await writer.stop()).toBe(1)
  await resetOffsets(topic, bounds)
  await writer.start()
  await until(
    async () => (await count('touchpoints')) === 2,
    () => writer.output().slice(-3000),
  )
  await until(async () => (await stations('touchpoint'))?.['accepted'] === 4)
  await untilRead()
  const missing = await differences()
  expect(missing).toHaveLength(2)
  expect(missing.sort()).toEqual([
    expect.stringMatching(/^2 touchpoint missing at topic, seen at accepted: [\w-]+:1 [\w-]+:2$/),
    expect.stringMatching(/^2 touchpoint removed at topic.*touchpoints-\d:\d+\.\.\d+$/),
  ])
  // The writer itself says so, for dashboards and alarms.
  await until(
    async () =>
      (await count(
        'ledger_differences',
        `source = '${source}' AND station = 'topic' AND fault = 'missing' AND records = 2`,
      )) === 1,
    'the difference to be shown',
  )
  expect(await writer.metrics()).toMatch(
    /ledger_unexplained\{kind="touchpoint",station="topic"\} \d/,
  )
})

/** What an operator does who accepts that records are gone. */
async function resetOffsets(
  topic: string,
  bounds: readonly { readonly partition: number; readonly high: number }[],
): Promise<void> {
  const { brokers } = stackFromEnvironment()
  const admin = new Kafka({
    brokers: [...brokers],
    clientId: 'operator',
    logLevel: logLevel.NOTHING,
  }).admin()
  await admin.connect()
  await admin.setOffsets({
    groupId: `${broker.prefix}clickhouse-writer`,
    topic,
    partitions: bounds.map(({ partition, high }) => ({ partition, offset: String(high) })),
  })
  await admin.disconnect()
}
