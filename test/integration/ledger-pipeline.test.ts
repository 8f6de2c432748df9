// The ledger over the whole pipeline as processes of their own, on a stack whose broker can be killed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { applyMigrations } from '../../services/clickhouse-writer/migrations'
import { isReject } from '../../services/core/reject'
import { topics } from '../../services/core/topics'
import { signatureOf } from '../../services/order-gateway/signature'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { lookAtLedger } from '../../services/runtime/ledger-look'
import { TestBroker } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { until } from '../support/until'

const writeKey = 'landing-write-key'
const secret = 'a-secret-of-16-chars'
const partitions = 4

let directory: string
let stack: RunningStack
let broker: TestBroker
let warehouse: Warehouse
const services = new Map<string, ServiceProcess>()

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-ledger-'))
  const parts = ['kafka', 'registry', 'clickhouse'] as const
  stack = await startStack({ dataDirectory: join(directory, 'stack'), ports: 'free', parts })
  broker = await new TestBroker(stack).open()
  warehouse = connectWarehouse({
    ...{ url: stack.clickhouseUrl, database: 'ledger', user: 'default', password: '', ca: null },
    timeoutMs: 10_000,
  })
  const layout = { database: 'ledger', cluster: '', deduplicationWindow: 1_000 }
  await applyMigrations(warehouse, layout)
  for (const name of ['clickhouse-writer', 'stream-processor', 'collector', 'order-gateway']) {
    const service = new ServiceProcess(name, environmentOf(name))
    services.set(name, service)
    await service.start()
  }
}, 240_000)

afterAll(async () => {
  await Promise.all([...services.values()].map((service) => service.stop('SIGKILL')))
  await warehouse.close()
  await broker.close()
  await stack.stop()
  rmSync(directory, { recursive: true, force: true })
})

function environmentOf(name: string): Record<string, string> {
  const sources: Readonly<Record<string, unknown>> = {
    collector: [{ name: 'web', keys: [writeKey], channel: 'web.page' }],
    'order-gateway': [{ name: 'main', secrets: [secret], platform: 'douyin', shops: ['S1'] }],
  }
  return {
    ...broker.environment(),
    CLICKHOUSE_URL: stack.clickhouseUrl,
    CLICKHOUSE_DATABASE: 'ledger',
    SESSION_TIMEOUT_MS: '3000',
    LEDGER_FLUSH_MS: '100',
    LEDGER_LOOK_MS: '300',
    LEDGER_OLDER_THAN_MS: '0',
    STATE_DIRECTORY: join(directory, 'state'),
    WALK_INTERVAL_MS: '10',
    WALK_ROUND_MS: '300',
    PORT: '0',
    IDENTIFIER_HASH_KEY: Buffer.alloc(32, 7).toString('base64'),
    SEAL_KEYS: JSON.stringify({ k1: Buffer.alloc(32, 8).toString('base64') }),
    SEAL_KEY_ID: 'k1',
    PRODUCE_TIMEOUT_MS: '1000',
    SPOOL_DIRECTORY: join(directory, 'spool'),
    SOURCES: JSON.stringify(sources[name] ?? []),
  }
}

function service(name: string): ServiceProcess {
  const found = services.get(name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

function urlOf(name: string, path: string): string {
  return `http://127.0.0.1:${/"port":(\d+)/.exec(service(name).output())?.[1] ?? ''}${path}`
}

/** The status; 0 where the connection broke. */
async function collect(...ids: string[]): Promise<number> {
  const events = ids.map((id) => ({ id, type: 'click', identifiers: { visitor: `v-${id}` } }))
  return fetch(urlOf('collector', '/collect'), {
    method: 'POST',
    headers: { 'x-write-key': writeKey },
    body: JSON.stringify(events),
  }).then(
    ({ status }) => status,
    () => 0,
  )
}

async function buy(orderId: string): Promise<number> {
  const now = Date.now()
  const body = JSON.stringify({
    ...{ order_id: orderId, status: 'paid', currency: 'CNY', paid_minor: 9_900 },
    ...{ created_at: now - 2_000, paid_at: now - 1_000, updated_at: now - 1_000 },
    lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 9_900 }],
    buyer: { phone: '13812345678' },
  })
  const at = Math.floor(now / 1_000)
  const signature = signatureOf(secret, at, Buffer.from(body)).toString('hex')
  const { status } = await fetch(urlOf('order-gateway', '/orders/main'), {
    method: 'POST',
    headers: { 'x-tributary-signature': `t=${at},v1=${signature}` },
    body,
  })
  return status
}

/** Sums of the ledger over all minutes of a kind. */
async function stations(kind: string): Promise<Record<string, number> | undefined> {
  const [row] = await warehouse.query<Record<string, number>>(
    `SELECT sum(accepted) AS accepted, sum(in_topic) AS in_topic, sum(ids) AS ids,
       sum(attributable) AS attributable, sum(attributed) AS attributed,
       sum(in_clickhouse) AS in_clickhouse, countIf(differs_at != '') AS differing
     FROM ledger.ledger WHERE kind = '${kind}'`,
  )
  return row
}

async function differences(): Promise<string[]> {
  const { differences: found } = await lookAtLedger(warehouse)
  return found.map(
    ({ kind, station, fault, ids }) => `${kind} ${fault} at ${station}: ${ids.join()}`,
  )
}

/** Every station has looked after everything that was sent. */
async function untilAllLooked(): Promise<void> {
  const [row] = await warehouse.query<{ at: number }>(
    'SELECT toUnixTimestamp64Milli(now64(3)) AS at',
  )
  const sentBy = row?.at ?? 0
  await until(async () => {
    const { marks } = await lookAtLedger(warehouse)
    const topic = Math.min(marks.topicReadUntil('touchpoint'), marks.topicReadUntil('order'))
    return Math.min(topic, marks.census.countedFrom) > sentBy
  }, 'all stations to have looked')
}

test('five hundred events and some orders, doubled, through a killed edge and a dead broker, leave nothing unexplained', async () => {
  const taken: string[] = []
  const send = async (from: number, to: number): Promise<void> => {
    for (let batch = from; batch < to; batch += 1) {
      const ids = Array.from({ length: 10 }, (_, index) => `e-${batch}-${index}`)
      if ((await collect(...ids)) === 200) taken.push(...ids)
      // A client that is not sure sends again.
      if (batch % 5 === 0) await collect(...ids)
    }
  }
  expect(await buy('1')).toBe(200)
  const sending = send(0, 20)
  await until(() => taken.length > 50)
  await service('collector').stop('SIGKILL')
  await sending
  await service('collector').start()
  await send(20, 30)
  await stack.killPart('kafka')
  await send(30, 40)
  expect(await buy('2')).toBe(200)
  // Accepted, and told so, while nobody can read it.
  await until(async () => ((await stations('order'))?.['accepted'] ?? 0) === 2)
  expect(await differences()).toEqual([])
  await stack.startPart('kafka')
  await send(40, 50)
  const all = new Set(taken)
  await until(
    async () => ((await stations('touchpoint'))?.['in_clickhouse'] ?? 0) >= all.size,
    'all taken events in ClickHouse',
  )
  await until(async () => ((await stations('order'))?.['in_clickhouse'] ?? 0) === 2)
  await untilAllLooked()
  const touchpoints = await stations('touchpoint')
  expect(touchpoints?.['attributed']).toBe(touchpoints?.['ids'])
  expect(touchpoints?.['in_clickhouse']).toBe(touchpoints?.['ids'])
  expect(await stations('order')).toMatchObject({ accepted: 2, ids: 2, attributed: 2 })
  expect(touchpoints?.['ids']).toBeGreaterThanOrEqual(all.size)
  expect(await differences()).toEqual([])
})

test('a touch taken out of the changelog is missed once the state was restored from it', async () => {
  expect(await collect('kept', 'taken-away')).toBe(200)
  const key = await keyInChangelog('taken-away')
  await service('stream-processor').stop()
  await broker.writeRaw([
    {
      topic: broker.prefix + topics.journeyChangelog.name,
      partition: key.partition,
      key: key.bytes,
      value: null,
    },
  ])
  rmSync(join(directory, 'state'), { recursive: true })
  await service('stream-processor').start()
  await until(
    async () => {
      const found = await differences()
      return found.length === 1 && found[0] === 'touchpoint missing at attributed: taken-away'
    },
    () => 'the touch to be missed',
    120_000,
  )
})

/** Where the changelog keeps a touch. */
async function keyInChangelog(id: string): Promise<{ partition: number; bytes: Buffer }> {
  const codec = await broker.registry.topicCodec(topics.journeyChangelog)
  let found: { partition: number; bytes: Buffer } | undefined
  await broker.watchRaw(topics.journeyChangelog.name, async (records) => {
    await codec.learn(records.map(({ value }) => value))
    for (const { partition, key, value } of records) {
      const entry = value === null ? null : codec.decode(value)
      if (key === null || entry === null || isReject(entry)) continue
      if (entry.touch?.id === id) found = { partition, bytes: Buffer.from(key) }
    }
  })
  return until(() => found, `${id} in the changelog of ${partitions} partitions`)
}
