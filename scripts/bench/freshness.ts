// How long it takes from the edge's 2xx until somebody who asks ClickHouse sees the touchpoint's row, and an order's credits,
// at 500 and 2,000 events a second through all services. Ceiling: produce, consume and insert with no logic at all.
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { Bench, BenchOrder } from './bench'
import { standChild } from './child'
import type { EmptyLoopPlan } from './empty-loop'
import type { ServiceRun } from './service-run'
import { quantileOf, type Sheet } from './sheet'
import { database, onSite, partitions, type Site } from './site'
import { sendSteadily } from './steady-load'
import { watchRows } from './watch-rows'

const rates = [500, 2_000]
/** Events come as pages send them: a few at a time. */
const eventsPerRequest = 5
/** One event in so many is waited for. */
const watchedEvery = 50
/** One event in so many is followed by an order of the same person. */
const orderEvery = 40
const writeKey = 'bench-write-key-of-no-secret'
const orderSecret = 'bench-order-secret-of-nobody'
const services = ['collector', 'order-gateway', 'stream-processor', 'clickhouse-writer'] as const

export const freshnessBench: Bench = {
  name: 'freshness',
  says: 'from the 2xx to the row and to the credits that a query sees, at 500 and 2,000 events/s, and where the time goes',
  run: (order) => onSite(['kafka', 'registry', 'clickhouse'], (site) => measure(site, order)),
}

async function measure(site: Site, order: BenchOrder): Promise<void> {
  const { sheet, rounds, quick } = order
  const seconds = quick ? 5 : 30
  sheet.set({ seconds, partitions, events_per_request: eventsPerRequest, order_every: orderEvery })
  await site.provision('')
  const warehouse = await site.migrate()
  // Until everything is compiled, the broker above all.
  const warm = { rate: 2_000, seconds: quick ? 3 : 30 }
  await measureEmptyLoop(site, warehouse, { ...warm, sheet: null, round: 'warm' })
  for (let round = 0; round < rounds; round += 1) {
    for (const rate of rates) {
      await measureEmptyLoop(site, warehouse, { sheet, rate, seconds, round })
    }
  }
  const runs = await startServices(site)
  const load = loadOf(runs)
  await play(load, warehouse, { ...warm, tag: 'warm' })
  for (let round = 0; round < rounds; round += 1) {
    for (const rate of rates) {
      const cpuBefore = runs.map((run) => run.cpuSeconds())
      const tag = `r${round}-${rate}`
      const { touchpoints, credits } = await play(load, warehouse, { rate, seconds, tag })
      order.say(`${rate}/s: ${touchpoints.length} touchpoints and ${credits.length} orders watched`)
      writeDelays(sheet, {
        ...{ name: `touchpoint at ${rate}/s`, delaysMs: touchpoints },
        ...{ ceiling: `empty loop at ${rate}/s p99`, aim: '<= 2 x the empty loop' },
      })
      const aim = rate === 500 ? { aim: '< 1,000 ms' } : {}
      writeDelays(sheet, { name: `credits at ${rate}/s`, delaysMs: credits, ...aim })
      await writeStages(sheet, warehouse, { rate, tag })
      for (const [at, run] of runs.entries()) {
        const cores = (run.cpuSeconds() - (cpuBefore[at] ?? 0)) / seconds
        sheet.write({ name: `${services[at] ?? ''} at ${rate}/s`, unit: 'cores', value: cores })
      }
    }
  }
}

interface Delays {
  readonly name: string
  readonly delaysMs: readonly number[]
  /** Of the 99th percentile. */
  readonly ceiling?: string
  readonly aim?: string
}

function writeDelays(sheet: Sheet, { name, delaysMs, ...rest }: Delays): void {
  sheet.write({ name: `${name} p50`, unit: 'ms', value: quantileOf(delaysMs, 0.5) })
  sheet.write({ name: `${name} p99`, unit: 'ms', value: quantileOf(delaysMs, 0.99), ...rest })
}

interface Empty {
  /** Null where nothing is to be noted. */
  readonly sheet: Sheet | null
  readonly rate: number
  readonly seconds: number
  readonly round: number | 'warm'
}

async function measureEmptyLoop(
  site: Site,
  warehouse: Warehouse,
  { sheet, rate, seconds, round }: Empty,
): Promise<void> {
  const prefix = `empty${round}-${rate}.`
  const table = `empty_${round}_${rate}`
  await site.provision(prefix)
  await warehouse.command(
    `CREATE TABLE ${database}.${table} (id String, value String) ENGINE = MergeTree ORDER BY id`,
  )
  const topic = `${prefix}touchpoints`
  const child = await standChild<boolean>('empty-loop', {
    ...{ brokers: site.stack.brokers, topic, database, table, url: site.stack.clickhouseUrl },
  } satisfies EmptyLoopPlan)
  const producer = await site.kafka.connectProducer()
  const watch = watchRows(
    warehouse,
    `SELECT id FROM ${database}.${table} WHERE id IN ({ids:Array(String)})`,
  )
  const delaysMs: number[] = []
  const value = Buffer.alloc(250, 'v')
  await sendSteadily({ perSecond: rate / eventsPerRequest, seconds }, async (at) => {
    const keys = Array.from(
      { length: eventsPerRequest },
      (_, of) => `e-${at * eventsPerRequest + of}`,
    )
    await producer.send(
      keys.map((key, of) => ({ topic, partition: (at + of) % partitions, key, value })),
    )
    if (at % (watchedEvery / eventsPerRequest) === 0) watch.expect(keys[0] ?? '', delaysMs)
  })
  await watch.settled()
  await watch.stop()
  await child.stop()
  await producer.close()
  if (sheet === null) return
  writeDelays(sheet, { name: `empty loop at ${rate}/s`, delaysMs })
}

async function startServices(site: Site): Promise<ServiceRun[]> {
  const key = Buffer.alloc(32, 1).toString('base64')
  const edge = {
    ...{ PORT: '0', IDENTIFIER_HASH_KEY: key, SPOOL_DIRECTORY: join(site.directory, 'spool') },
    ...{ CLICKHOUSE_URL: site.stack.clickhouseUrl, CLICKHOUSE_DATABASE: database },
  }
  const settings: Record<(typeof services)[number], Record<string, string>> = {
    collector: { ...edge, SOURCES: JSON.stringify([{ name: 'web', keys: [writeKey] }]) },
    'order-gateway': {
      ...edge,
      ...{ SEAL_KEYS: JSON.stringify({ first: key }), SEAL_KEY_ID: 'first' },
      SOURCES: JSON.stringify([
        { name: 'douyin', platform: 'douyin', shops: ['flagship'], secrets: [orderSecret] },
      ]),
    },
    'stream-processor': {
      STATE_DIRECTORY: join(site.directory, 'state'),
      ...{ CLICKHOUSE_URL: site.stack.clickhouseUrl, CLICKHOUSE_DATABASE: database },
    },
    'clickhouse-writer': {
      ...{ CLICKHOUSE_URL: site.stack.clickhouseUrl, CLICKHOUSE_DATABASE: database },
    },
  }
  const runs = services.map((service) => site.launch(service, settings[service]))
  await Promise.all(runs.map((run) => run.untilReady()))
  return runs
}

interface Load {
  readonly collectorUrl: string
  readonly gatewayUrl: string
}

function loadOf(runs: readonly ServiceRun[]): Load {
  const [collector, gateway] = runs
  return {
    collectorUrl: `http://127.0.0.1:${collector?.port('port') ?? 0}/collect`,
    gatewayUrl: `http://127.0.0.1:${gateway?.port('port') ?? 0}/orders/douyin`,
  }
}

interface Played {
  readonly touchpoints: readonly number[]
  readonly credits: readonly number[]
}

async function play(
  load: Load,
  warehouse: Warehouse,
  { rate, seconds, tag }: { rate: number; seconds: number; tag: string },
): Promise<Played> {
  const watch = watchRows(
    warehouse,
    `SELECT id FROM ${database}.touchpoints WHERE source = 'web' AND id IN ({ids:Array(String)})
     UNION ALL
     SELECT order_key FROM ${database}.orders WHERE order_key IN ({ids:Array(String)})`,
  )
  const touchpoints: number[] = []
  const credits: number[] = []
  const ordering: Promise<void>[] = []
  await sendSteadily({ perSecond: rate / eventsPerRequest, seconds }, async (at) => {
    const first = at * eventsPerRequest
    const events = Array.from({ length: eventsPerRequest }, (_, of) => eventOf(tag, first + of))
    await post(load.collectorUrl, JSON.stringify(events), { 'x-write-key': writeKey })
    if (first % watchedEvery === 0) watch.expect(`${tag}-${first}`, touchpoints)
    if (first % orderEvery !== 0) return
    const expect = (orderKey: string): void => {
      watch.expect(orderKey, credits)
    }
    ordering.push(sendOrder(load, `${tag}-${first}`, expect))
  })
  await Promise.all(ordering)
  await watch.settled()
  await watch.stop()
  return { touchpoints, credits }
}

function eventOf(tag: string, number: number): object {
  return {
    id: `${tag}-${number}`,
    type: 'room_enter',
    channel: 'douyin.live',
    room: `room-${number % 8}`,
    identifiers: { device: `device-${tag}-${number - (number % 3)}` },
  }
}

async function sendOrder(
  { gatewayUrl }: Load,
  id: string,
  answered: (orderKey: string) => void,
): Promise<void> {
  const now = Date.now()
  const number = Number(id.slice(id.lastIndexOf('-') + 1))
  const device = `device-${id.slice(0, id.lastIndexOf('-'))}-${number - (number % 3)}`
  const body = JSON.stringify({
    ...{ order_id: id, status: 'paid', currency: 'CNY', paid_minor: 9_900 },
    ...{ created_at: now, paid_at: now, updated_at: now },
    lines: [{ line_id: '1', sku: `SKU-${number % 100}`, quantity: 1, paid_minor: 9_900 }],
    buyer: { device },
  })
  const second = Math.floor(now / 1_000)
  const signature = createHmac('sha256', orderSecret).update(`${second}.${body}`).digest('hex')
  await post(gatewayUrl, body, { 'x-tributary-signature': `t=${second},v1=${signature}` })
  answered(`douyin:flagship:${id}`)
}

async function post(url: string, body: string, headers: Record<string, string>): Promise<void> {
  const response = await fetch(url, {
    ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text}`)
}

/** Where the time goes, by the times that stand in the rows themselves. */
async function writeStages(
  sheet: Sheet,
  warehouse: Warehouse,
  { rate, tag }: { rate: number; tag: string },
): Promise<void> {
  const between = (from: string, to: string): string =>
    `quantile(0.99)(date_diff('millisecond', ${from}, ${to}))`
  const [touchpoint] = await warehouse.query<Record<string, number>>(
    `SELECT ${between('accepted_at', 'appended_at')} AS "touchpoint, edge to Kafka",
       ${between('appended_at', 'written_at')} AS "touchpoint, Kafka to row"
     FROM ${database}.touchpoints WHERE startsWith(id, '${tag}-')`,
  )
  const [order] = await warehouse.query<Record<string, number>>(
    `SELECT ${between('o.accepted_at', 't.appended_at')} AS "order, edge to Kafka",
       ${between('t.appended_at', 'o.appended_at')} AS "order, Kafka to credits",
       ${between('o.appended_at', 'o.written_at')} AS "credits, Kafka to row"
     FROM ${database}.attributed_orders AS o
     INNER JOIN ${database}.topic_records AS t
       ON t.kind = 'order' AND t.id = o.order_key
     WHERE startsWith(o.order_id, '${tag}-') AND o.version = 1`,
  )
  for (const [name, value] of Object.entries({ ...touchpoint, ...order })) {
    sheet.write({ name: `${name} at ${rate}/s p99`, unit: 'ms', value })
  }
}
