// What arrives, what is lost and what is explained at the stations behind the edges.
import { Kafka, logLevel } from 'kafkajs'
import { topics } from '../../services/core/topics'
import { rebuildDay } from '../../services/runtime/ledger-roll-ups'
import { LedgerRig } from '../support/ledger-rig'
import { runScript } from '../support/run-script'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

let rig: LedgerRig

beforeAll(async () => {
  rig = await LedgerRig.open('ledger')
})

beforeEach(() => {
  rig.beginTest()
})

afterEach(() => rig.endTest())

afterAll(() => rig.close())

test('what arrives everywhere is counted alike everywhere, and nothing is reported', async () => {
  const collector = rig.anEdge()
  const gateway = rig.anEdge('order')
  await collector.take(rig.touched('a', 'b', 'c', '抖店-1'))
  const orders = [rig.bought('1'), rig.bought('2')]
  await gateway.take(orders)
  await rig.attribute(...orders)
  await until(async () => (await rig.count('touchpoints')) === 4)
  await until(async () => (await rig.count('orders')) === 2)
  await until(async () => (await rig.stations('order'))?.['accepted'] === 2)
  await rig.untilRead()
  expect(await rig.stations('touchpoint')).toEqual({
    ...{ accepted: 4, in_topic: 4, ids: 4, in_clickhouse: 4, differs_at: '' },
  })
  expect(await rig.stations('order')).toEqual({
    ...{ accepted: 2, in_topic: 2, ids: 2, in_clickhouse: 2, differs_at: '' },
  })
  expect(await rig.differences()).toEqual([])
})

test('what a client sends again, later or at once, is explained', async () => {
  const collector = rig.anEdge()
  const [first, again] = [rig.touched('a', 'b'), rig.touched('a', 'b')]
  await collector.take(first)
  await collector.take(again.map((one) => ({ ...one, accepted_at: one.accepted_at + 61_000 })))
  await until(async () => (await rig.count('topic_records')) === 4)
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 4)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
})

test('a row deleted from ClickHouse is missing there, and one written by hand is too much', async () => {
  const collector = rig.anEdge()
  await collector.take(rig.touched('a', 'b', 'c'))
  await until(async () => (await rig.count('touchpoints')) === 3)
  await rig.warehouse.command(
    `ALTER TABLE ${rig.warehouse.database}.touchpoints DELETE WHERE source = '${rig.source}' AND id = 'b'
     SETTINGS mutations_sync = 2`,
  )
  await rig.warehouse.command(
    `INSERT INTO ${rig.warehouse.database}.touchpoints (source, id, type, at, accepted_at)
     VALUES ('${rig.source}', 'forged', 'click', now64(3), now64(3))`,
  )
  expect((await rig.differences()).sort()).toEqual([
    '1 touchpoint missing at clickhouse, seen at topic: b',
    '1 touchpoint surplus at clickhouse, seen at clickhouse: forged',
  ])
  const { status, stdout } = rig.command('--older-than', '0s')
  expect(status).toBe(1)
  expect(stdout).toMatch(
    new RegExp(`touchpoint +${rig.source} +clickhouse +missing +1 .*\\n +b\\n`),
  )
  expect(rig.command('--older-than', '10h')).toMatchObject({ status: 0 })
  expect(rig.command('--older-than', 'long')).toMatchObject({ status: 2 })
})

test('an order that is not there, or only as it was before, is missing or stale', async () => {
  const gateway = rig.anEdge('order')
  const [paid, lost] = [rig.bought('1'), rig.bought('2')]
  const refunded = {
    ...paid,
    status: 'refunded',
    refunded_minor: 10_000,
    updated_at: Date.now() + 1,
  }
  await gateway.take([paid, lost, refunded])
  await rig.attribute(paid)
  await until(async () => (await rig.count('orders')) === 1)
  await until(async () => (await rig.count('topic_records')) === 3)
  expect((await rig.differences()).sort()).toEqual([
    `1 order missing at clickhouse, seen at topic: ${lost.order_key}`,
    `1 order stale at clickhouse, seen at topic: ${paid.order_key}`,
  ])
})

test('what was buried, and what was forgotten on request, is explained', async () => {
  const table = `${rig.warehouse.database}.touchpoints`
  await rig.warehouse.command(`ALTER TABLE ${table} ADD CONSTRAINT sound CHECK id != 'unsound'`)
  const collector = rig.anEdge()
  await collector.take(rig.touched('a', 'unsound', 'forgotten'))
  await until(
    async () => (await rig.count('touchpoints')) === 2,
    () => rig.writer.output().slice(-3000),
  )
  await until(
    async () => (await rig.count('dead_letters', '1')) > 0,
    () => rig.writer.output().slice(-3000),
  )
  await rig.warehouse.command(`ALTER TABLE ${table} DROP CONSTRAINT sound`)
  await rig.warehouse.command(
    `ALTER TABLE ${table} DELETE WHERE source = '${rig.source}' AND id = 'forgotten' SETTINGS mutations_sync = 2`,
  )
  expect(await rig.differences()).toEqual([
    '1 touchpoint missing at clickhouse, seen at topic: forgotten',
  ])
  await rig.warehouse.command(
    `INSERT INTO ${rig.warehouse.database}.ledger_forgotten (kind, source, id_hash)
     SELECT kind, source, id_hash FROM ${rig.warehouse.database}.topic_records
     WHERE source = '${rig.source}' AND id = 'forgotten'`,
  )
  expect(await rig.differences()).toEqual([])
  // A replay is a transaction, whose mark takes an offset in the topic.
  const replayed = await runScript(
    'dead-letters',
    ['replay', '--reason', 'invalid', '--yes'],
    rig.broker.environment(),
  )
  expect([replayed.code, replayed.stdout]).toEqual([0, expect.stringMatching(/^1 replayed$/m)])
  await until(async () => (await rig.count('touchpoints', `id = 'unsound'`)) === 1)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
  await collector.take(rig.touched('one more'))
  await until(async () => (await rig.count('touchpoints', `id = 'one more'`)) === 1)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
})

test('a sum that drifted from the orders is found by day, and a rebuild brings back exactly that day', async () => {
  const order = rig.bought('1')
  const gateway = rig.anEdge('order')
  await gateway.take([order])
  await rig.attribute(order)
  await until(async () => (await rig.count('orders')) === 1)
  const digest = async (): Promise<unknown> =>
    rig.warehouse.query(
      `SELECT digest FROM ${rig.warehouse.database}.table_digests WHERE name = 'credit_hours'`,
    )
  // A row may be seen a moment before its sum.
  await until(async () => (await rig.count('roll_up_residues', '1')) === 0)
  const right = await digest()
  for (let times = 0; times < 2; times += 1) {
    await rig.warehouse.command(
      `INSERT INTO ${rig.warehouse.database}.credit_hours
       SELECT * REPLACE (77 AS amount_minor) FROM ${rig.warehouse.database}.credit_hours LIMIT 1
       SETTINGS insert_deduplicate = 0`,
    )
    // Of the hour, and of the day that is fed from it.
    expect(await rig.differences()).toEqual([
      expect.stringMatching(/^1 roll_up drifted at roll_up/),
      expect.stringMatching(/^1 roll_up drifted at roll_up/),
    ])
    const day = new Date(order.paid_at ?? 0).toISOString().slice(0, 10)
    expect(await rebuildDay(rig.warehouse, day)).toBe(2)
    expect(await digest()).toEqual(right)
    expect(await rig.differences()).toEqual([])
  }
})

test('records removed from the topic before they were read are missing, by sequence and by offset', async () => {
  const collector = rig.anEdge()
  await collector.take(rig.touched('before'))
  await until(async () => (await rig.count('touchpoints')) === 1)
  await rig.writer.stop()
  await collector.take(rig.touched('lost-1', 'lost-2'))
  const admin = await rig.broker.admin()
  const topic = rig.broker.prefix + topics.touchpoints.name
  const bounds = await admin.bounds(topic)
  await admin.deleteRecords(
    topic,
    bounds.map(({ partition, high }) => ({ partition, offset: high })),
  )
  await collector.take(rig.touched('after'))
  // It may have said that it is ready before it looked where it stands.
  await rig.writer.start().catch(() => undefined)
  await until(
    () => rig.writer.output().includes('were deleted before they were written'),
    () => rig.writer.output().slice(-3000),
  )
  expect(await rig.writer.stop()).toBe(1)
  await resetOffsets(topic, bounds)
  await rig.writer.start()
  await until(
    async () => (await rig.count('touchpoints')) === 2,
    () => rig.writer.output().slice(-3000),
  )
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 4)
  await rig.untilRead()
  const missing = await rig.differences()
  expect(missing).toHaveLength(2)
  expect(missing.sort()).toEqual([
    expect.stringMatching(/^2 touchpoint missing at topic, seen at accepted: [\w-]+:1 [\w-]+:2$/),
    expect.stringMatching(/^2 touchpoint removed at topic.*touchpoints-\d:\d+\.\.\d+$/),
  ])
  // The writer itself says so, for dashboards and alarms.
  await until(
    async () =>
      (await rig.count(
        'ledger_differences',
        `source = '${rig.source}' AND station = 'topic' AND fault = 'missing' AND records = 2`,
      )) === 1,
    'the difference to be shown',
  )
  expect(await rig.writer.metrics()).toMatch(
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
    groupId: `${rig.broker.prefix}clickhouse-writer`,
    topic,
    partitions: bounds.map(({ partition, high }) => ({ partition, offset: String(high) })),
  })
  await admin.disconnect()
}
