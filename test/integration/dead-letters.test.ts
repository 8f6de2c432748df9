// What an operator does about dead letters, on the real broker and registry, with the services that refused them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDesk } from '../../scripts/dead-letters/desk'
import { readLetters } from '../../scripts/dead-letters/read-letters'
import { planReplay, replayLetters } from '../../scripts/dead-letters/replay-letters'
import { touchpointKey } from '../../services/core/identity/node'
import { partitionOf } from '../../services/core/partition'
import type { AttributedOrder } from '../../services/core/records'
import { replayHeaders, topics } from '../../services/core/topics'
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { aCredit, anAttributedOrder, nextVersion } from '../support/attributed-order'
import { anAttributedOrder as aPaidOrder } from '../core/erp/given'
import { aLine, anOrder, aTouchpoint } from '../given'
import { TestBroker } from '../support/broker'
import { createFakeErp } from '../support/fake-erp'
import { lateSchema } from '../support/foreign-schema'
import { runTestSink, type RunningSink } from '../support/run-erp-sink'
import { runScript, type ScriptResult } from '../support/run-script'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

let broker: TestBroker
let letters: IncomingRecord[]
let stateDirectory: string
let warehouse: Warehouse | null = null
const services: ServiceProcess[] = []
const sinks: RunningSink[] = []

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  letters = await broker.watchDeadLetters()
  stateDirectory = mkdtempSync(join(tmpdir(), 'tributary-letters-'))
})

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()))
  await Promise.all(sinks.splice(0).map((sink) => sink.close()))
  if (warehouse !== null) await dropWarehouse(warehouse)
  warehouse = null
  await broker.close()
  rmSync(stateDirectory, { recursive: true, force: true })
})

function command(...args: string[]): Promise<ScriptResult> {
  return runScript('dead-letters', args, broker.environment())
}

async function ordered(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(...args)
  if (code !== 0) throw new Error(`exit ${String(code)}: ${stderr}`)
  return stdout
}

interface ListedLetter {
  readonly id: string
  readonly state: string
  readonly reason: string
  readonly stage: string
  readonly replay_of: string | null
  readonly why: string | null
}

async function list(...filters: string[]): Promise<ListedLetter[]> {
  const lines = (await ordered('list', '--json', ...filters)).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ListedLetter)
}

/** Lists once so many letters were buried in all, since the test began. */
async function listWhen(buried: number, ...filters: string[]): Promise<ListedLetter[]> {
  await until(
    () => letters.length >= buried,
    () => `${buried} dead letters, found ${letters.length}`,
  )
  return list(...filters)
}

const on = (topic: string): string => broker.prefix + topic

async function startProcessor(): Promise<ServiceProcess> {
  const service = new ServiceProcess('stream-processor', {
    ...broker.environment(),
    STATE_DIRECTORY: stateDirectory,
    SESSION_TIMEOUT_MS: '6000',
  })
  services.push(service)
  await service.start()
  return service
}

test('what cannot be read is listed with its reason and its bytes, and comes back from a replay that nothing was mended for', async () => {
  const processor = await startProcessor()
  const topic = on('touchpoints')
  const value = Buffer.from('not Avro at all')
  await broker.writeRaw([{ topic, partition: 2, key: 'x', value, headers: { trace: '7' } }])
  const [letter] = await listWhen(1)
  expect(letter).toMatchObject({
    id: `${topic}:2:0:journey`,
    reason: 'undecodable',
    stage: 'journey',
    state: 'open',
  })
  const shown = await ordered('show', letter?.id ?? '')
  expect(shown).toMatch(/header +trace: 7/)
  expect(shown).toMatch(/15 bytes, which cannot be decoded now: undecodable/)
  expect(shown).toMatch(/6e 6f 74 20 41 76 72 6f.* not Avro at all/)
  expect(await ordered('show', letter?.id ?? '', '--raw')).toBe('not Avro at all')
  expect(await processor.metrics()).toMatch(
    /stream_processor_dead_letters_total\{stage="journey",reason="undecodable"\} 1/,
  )
  expect(await processor.metrics()).toMatch(
    /stream_processor_dead_letters_total\{stage="stock",reason="crashed"\} 0/,
  )

  expect(await ordered('replay', letter?.id ?? '')).toMatch(/^1 replayed$/m)
  const [again, ...others] = await listWhen(2)
  expect(others).toEqual([])
  expect(again).toMatchObject({ state: 'open', reason: 'undecodable', replay_of: letter?.id })
  expect(await list('--all')).toMatchObject([{ id: letter?.id, state: 'replayed' }, again])
  expect(await ordered('show', letter?.id ?? '')).toMatch(`came back  ${again?.id ?? ''}`)

  const lines = (await ordered('list', '--all')).split('\n')
  expect(lines.every((line) => line.length <= 100)).toBe(true)
  expect(lines).toContain('2 dead letters: 2 undecodable')
  expect(await list('--topic', 'orders')).toEqual([])
  expect(await list('--key', 'x', '--since', '5m')).toHaveLength(1)

  expect(await ordered('drop', again?.id ?? '', '--reason', 'sent by a test')).toMatch('1 dropped')
  expect(await ordered('list')).toBe('no dead letters\n')
  expect(await list('--all', '--reason', 'undecodable')).toMatchObject([
    { state: 'replayed' },
    { state: 'dropped', why: 'sent by a test' },
  ])
})

test('a touchpoint of an unknown schema counts once the schema is there and it is replayed, once though two operators do', async () => {
  const schema = await lateSchema(stackFromEnvironment().registryUrl, 'Touchpoint')
  const codec = await broker.registry.topicCodec(topics.touchpoints)
  const touchpoint = aTouchpoint({ identifiers: ['phone:late'] })
  const key = touchpointKey(touchpoint)
  const partition = partitionOf(Buffer.from(key), broker.partitions)
  const value = schema.write(codec.encode(touchpoint))
  const seen: IncomingRecord[] = []
  await broker.watchRaw('touchpoints', (records) => {
    seen.push(...records)
  })
  const identities = await broker.watch(topics.identities)
  await startProcessor()
  await broker.writeRaw([{ topic: on('touchpoints'), partition, key, value }])
  const [letter] = await listWhen(1, '--reason', 'unknown-schema')
  const id = letter?.id ?? ''
  await schema.register()
  expect(await ordered('show', id)).toMatch(/decoded as Touchpoint[^]*"phone:late"/)

  // Both have looked before either acts.
  const desks = [
    await openDesk('one', broker.environment()),
    await openDesk('other', broker.environment()),
  ]
  const looks = desks.map(async (desk) => ({ desk, found: await readLetters(desk) }))
  const leftOut: number[] = []
  for (const { desk, found } of await Promise.all(looks)) {
    const plan = await planReplay(
      [...found.values()].map(({ letter }) => letter),
      found,
      desk,
    )
    const options = { again: false, perSecond: 50, decided: () => undefined }
    leftOut.push(await replayLetters(plan, desk, options))
    await desk.close()
  }
  expect(leftOut).toEqual([0, 1])
  await until(() =>
    identities.records.some(({ value: { identifier } }) => identifier === 'phone:late'),
  )
  const replays = (): IncomingRecord[] => seen.filter(({ headers }) => replayHeaders.of in headers)
  expect(replays()).toHaveLength(1)
  expect(replays()[0]).toMatchObject({ partition, value, key: Buffer.from(key) })
  expect(await list()).toEqual([])

  const refused = await command('replay', id)
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/was replayed by .*; --again replays it once more/),
  ])
  await ordered('replay', id, '--again')
  await until(() => replays().length === 2)
  expect(await list()).toEqual([])
})

test('an order that stands in a foreign partition goes home when it is replayed', async () => {
  const order = anOrder({ order_id: 'stray', paid_at: null })
  const home = partitionOf(Buffer.from(order.order_key), broker.partitions)
  const codec = await broker.registry.topicCodec(topics.orders)
  const positions = await broker.watch(topics.stockPositions)
  await startProcessor()
  await broker.writeRaw([
    {
      ...{ topic: on('orders'), partition: (home + 1) % broker.partitions },
      ...{ key: 'of another client', value: codec.encode(order) },
    },
  ])
  const [letter] = await listWhen(1)
  expect(letter).toMatchObject({ stage: 'stock', reason: 'invalid', state: 'open' })
  expect(await ordered('replay', letter?.id ?? '')).toMatch(`partition ${home}`)
  await until(() => positions.records.length === 1)
  expect(positions.records[0]?.value).toMatchObject({ order_key: order.order_key, quantity: 1 })
  expect(await list()).toEqual([])
})

test('after the cause is mended an order the ERP refused becomes one sale, as it is now, however often it is replayed', async () => {
  const erp = createFakeErp()
  erp.unknown.add('SKU-9999')
  const line = { lines: [aLine({ sku: 'SKU-9999' })] }
  const write = (...orders: AttributedOrder[]): Promise<void> =>
    broker.write(
      topics.attributedOrders,
      orders.map((one) => [one.order.order_key, one] as const),
    )
  sinks.push(await runTestSink(broker, erp))
  const changed = { ...line, order_id: 'changed' }
  await write(aPaidOrder({ ...line, order_id: 'plain' }), aPaidOrder(changed))
  await listWhen(2, '--stage', 'erp-sink', '--reason', 'refused-by-erp')
  await write(aPaidOrder({ ...changed, freight_minor: 600 }, { version: 2 }))
  const refused = await listWhen(3)
  erp.unknown.clear()

  const first = refused[1]?.id ?? ''
  expect(await ordered('replay', refused[0]?.id ?? '', '--dry-run')).toMatch('would replay 1')
  expect(erp.sales()).toEqual([])
  const words = await ordered('replay', refused[0]?.id ?? '', first, '--yes')
  expect(words).toMatch(/2 replayed/)
  expect(words).toMatch(/1 superseded/)
  await until(() => erp.sales().length === 2)
  const sold = (id: string) => erp.sales().find(({ reference }) => reference.endsWith(id))
  await until(() => sold('changed')?.state === 'confirmed' && sold('plain')?.state === 'confirmed')
  expect(sold('changed')?.total_minor).toBe(10_600)
  expect(await list()).toEqual([])

  const ids = refused.map(({ id }) => id)
  const calls = erp.calls.length
  await ordered('replay', ...ids, '--again', '--yes')
  // As the writer's replays come by: for ClickHouse, and none of the sink's business.
  const headers = { [replayHeaders.of]: 'a:0:0:b', [replayHeaders.for]: 'clickhouse-writer' }
  const foreign = aPaidOrder({ order_id: 'foreign' })
  const key = foreign.order.order_key
  const codec = await broker.registry.topicCodec(topics.attributedOrders)
  const partition = partitionOf(Buffer.from(key), broker.partitions)
  const value = codec.encode(foreign)
  await broker.writeRaw([{ topic: on('attributed-orders'), partition, key, value, headers }])
  await write(aPaidOrder({ order_id: 'last' }))
  await until(() => sold('last')?.state === 'confirmed')
  expect(erp.sales().map(({ reference }) => reference.split(':').at(-1))).toEqual([
    ...['plain', 'changed', 'last'],
  ])
  expect(erp.calls.slice(calls).join()).not.toMatch(/changed|plain/)
  expect(await list()).toEqual([])
})

test('a version of an order that the writer refused is in the sums once, however often it is replayed; the ones the ERP refused are not in them twice', async () => {
  const schema = await lateSchema(stackFromEnvironment().registryUrl, 'AttributedOrder')
  const codec = await broker.registry.topicCodec(topics.attributedOrders)
  warehouse = await openWarehouse('letters')
  const service = new ServiceProcess('clickhouse-writer', {
    ...broker.environment(),
    ...{ CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl, BATCH_WAIT_MS: '10' },
    ...{ CLICKHOUSE_DATABASE: warehouse.database, SESSION_TIMEOUT_MS: '6000' },
    LEDGER_LOOK_MS: '100',
  })
  services.push(service)
  await service.start()
  const shownOpen = async (): Promise<boolean> =>
    /open_dead_letters\{stage="clickhouse-writer",reason="unknown-schema"\} 1/.test(
      await service.metrics(),
    )
  const first = anAttributedOrder()
  const second = nextVersion(first, { credits: [aCredit({ channel: 'wechat.group' })] })
  const third = nextVersion(second, { credits: [aCredit({ channel: 'direct' })] })
  const key = first.order.order_key
  const partition = partitionOf(Buffer.from(key), broker.partitions)
  const at = { topic: on('attributed-orders'), partition, key }
  const values = [first, second, third].map((order) => codec.encode(order))
  await broker.writeRaw(
    values.map((value, place) => ({ ...at, value: place === 1 ? schema.write(value) : value })),
  )
  const [letter] = await listWhen(1, '--stage', 'clickhouse-writer')
  await until(shownOpen)
  await schema.register()
  await ordered('replay', letter?.id ?? '')
  const sums = async (): Promise<unknown> =>
    warehouse?.query(
      `SELECT channel, sum(amount_minor) AS amount, sum(credits) AS number
       FROM ${warehouse.database}.credit_hours GROUP BY channel HAVING number != 0 OR amount != 0`,
    )
  const versions = async (): Promise<number> => {
    const rows = await warehouse?.query(
      `SELECT version FROM ${warehouse.database}.attributed_orders`,
    )
    return rows?.length ?? 0
  }
  const summedAs = (channel: string) => async (): Promise<boolean> =>
    JSON.stringify(await sums()) === JSON.stringify([{ channel, amount: 10_000, number: 1 }])
  await until(summedAs('direct'))
  expect(await versions()).toBe(3)

  await ordered('replay', letter?.id ?? '', '--again')
  // As the sink's replays come by: for the ERP, and none of the writer's business.
  const headers = {
    [replayHeaders.of]: `${at.topic}:0:0:erp-sink`,
    [replayHeaders.for]: 'erp-sink',
  }
  await broker.writeRaw([{ ...at, value: values[2] ?? null, headers }])
  const fourth = nextVersion(third, { credits: [aCredit({ channel: 'douyin.live' })] })
  await broker.writeRaw([{ ...at, value: codec.encode(fourth) }])
  await until(summedAs('douyin.live'))
  expect(await versions()).toBe(4)

  const current = await until(async () => {
    const rows = await warehouse?.query<{ state: string; letter: string; decided_by: string }>(
      `SELECT state, letter, reason, record_key FROM ${warehouse.database}.dead_letters_current`,
    )
    return rows?.[0]?.state === 'replayed' && rows
  })
  expect(current).toEqual([
    { state: 'replayed', letter: letter?.id, reason: 'unknown-schema', record_key: key },
  ])
  await until(async () => !(await shownOpen()))
})

test('letters are sought by filters, acted on together when that is meant, and a wrong id changes nothing', async () => {
  await startProcessor()
  const topic = on('touchpoints')
  const value = Buffer.from('x')
  const rows = Array.from({ length: 30 }, (_, n) => ({
    topic,
    partition: n % 4,
    key: `k${n}`,
    value,
  }))
  await broker.writeRaw(rows)
  await listWhen(30)
  const several = await command('replay', '--reason', 'undecodable')
  expect([several.code, several.stderr]).toEqual([1, expect.stringMatching('Say --yes')])
  const ids = (await ordered('list', '--ids', '--limit', '2')).trim().split('\n')
  const wrong = await command('drop', ...ids, 'nobody:0:0:journey', '--reason', 'a test', '--yes')
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching('no dead letter nobody')])
  expect(await list()).toHaveLength(30)
  const dropped = await ordered('drop', ...ids, '--reason', 'a test', '--yes')
  expect(dropped).toMatch(/^2 dropped$/m)
  const began = performance.now()
  const told = await ordered('replay', '--reason', 'undecodable', '--per-second', '14', '--yes')
  expect(told).toMatch(/^28 replayed$/m)
  expect(performance.now() - began).toBeGreaterThan(1_000)
  expect(await listWhen(58)).toHaveLength(28)
  expect(await ordered('list')).toMatch(/^\S+ \S+ again +undecodable /m)
})
