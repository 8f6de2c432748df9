// Figures from a file to a row: the import command, the gateway, Kafka and the clickhouse-writer, each as it is run.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { figureKinds } from '../../services/core/figures/figure'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { TestBroker } from '../support/broker'
import { runScript, type ScriptResult } from '../support/run-script'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

const secret = 'a-secret-of-16-chars'
const directory = mkdtempSync(join(tmpdir(), 'tributary-figures-'))
let broker: TestBroker
let warehouse: Warehouse
let gateway: ServiceProcess
let writer: ServiceProcess

beforeAll(async () => {
  const stack = stackFromEnvironment()
  broker = await new TestBroker(stack).open()
  warehouse = await openWarehouse('figures')
  gateway = new ServiceProcess('order-gateway', {
    ...broker.environment(),
    PORT: '0',
    IDENTIFIER_HASH_KEY: Buffer.alloc(32, 7).toString('base64'),
    SOURCES: JSON.stringify([{ name: 'finance', secrets: [secret], figures: figureKinds }]),
    SEAL_KEYS: JSON.stringify({ k1: Buffer.alloc(32, 8).toString('base64') }),
    SEAL_KEY_ID: 'k1',
  })
  writer = new ServiceProcess('clickhouse-writer', {
    ...broker.environment(),
    CLICKHOUSE_URL: stack.clickhouseUrl,
    CLICKHOUSE_DATABASE: warehouse.database,
    SESSION_TIMEOUT_MS: '6000',
  })
  await Promise.all([gateway.start(), writer.start()])
}, 60_000)

afterAll(async () => {
  await Promise.all([gateway.stop(), writer.stop()])
  await dropWarehouse(warehouse)
  await broker.close()
  rmSync(directory, { recursive: true })
})

function write(name: string, lines: readonly string[]): string {
  const file = join(directory, name)
  writeFileSync(file, `\ufeff${lines.join('\r\n')}\r\n`)
  return file
}

function importFile(...given: readonly string[]): Promise<ScriptResult> {
  const port = /"port":(\d+)/.exec(gateway.output())?.[1] ?? ''
  return runScript('import', given, {
    GATEWAY_URL: `http://127.0.0.1:${port}`,
    IMPORT_SOURCE: 'finance',
    IMPORT_SECRET: secret,
  })
}

function select<Result>(sql: string): Promise<Result[]> {
  return warehouse.query<Result>(sql.replaceAll('db.', `${warehouse.database}.`))
}

const spendHeader =
  'id,from_at,to_at,platform,channel,room,currency,amount_minor,updated_at,withdrawn'
const hour = '2026-11-20T20:00:00+08:00,2026-11-20T21:00:00+08:00,douyin,douyin.live,直播间-1'

test('a file is in its table once, however often it is imported, and its bad row is named', async () => {
  const file = write('spend.csv', [
    spendHeader,
    `s-1,${hour},CNY,120000,,`,
    `s-2,${hour},CNY,120000.5,,`,
    `s-3,${hour},CNY,30000,,`,
  ])
  const first = await importFile('ad-spend', file)
  expect(first.stderr).toBe(
    `${file}:3: amount_minor: must be a whole number of minor units, 0 or more\n`,
  )
  expect(first.stdout).toBe(
    `${file}: 3 rows read, 2 accepted, 1 refused, see ${file}.refused.csv\n`,
  )
  expect(first.code).toBe(2)
  const again = await importFile('ad-spend', file)
  expect(again.code).toBe(2)
  const rows = () =>
    select(
      'SELECT source, id, room, toString(from_at) AS from_at, amount_minor FROM db.ad_spend_current ORDER BY id',
    )
  await until(async () => (await rows()).length === 2)
  expect(await rows()).toEqual([
    {
      source: 'finance',
      id: 's-1',
      room: '直播间-1',
      from_at: '2026-11-20 12:00:00.000',
      amount_minor: 120_000,
    },
    {
      source: 'finance',
      id: 's-3',
      room: '直播间-1',
      from_at: '2026-11-20 12:00:00.000',
      amount_minor: 30_000,
    },
  ])
  const mended = readFileSync(`${file}.refused.csv`, 'utf8').replace('120000.5', '7')
  writeFileSync(`${file}.refused.csv`, mended)
  expect((await importFile('ad-spend', `${file}.refused.csv`)).code).toBe(0)
  await until(async () => (await rows()).length === 3)
})

test('what was changed later is not undone by what comes late, and what is withdrawn counts no more', async () => {
  const at = (minute: number): string => `2026-11-20T22:${String(minute)}:00+08:00`
  const newer = write('newer.csv', [
    spendHeader,
    `late-1,${hour},CNY,900,${at(30)},`,
    `late-2,${hour},CNY,900,${at(30)},true`,
  ])
  const older = write('older.csv', [
    spendHeader,
    `late-1,${hour},CNY,100,${at(10)},`,
    `late-2,${hour},CNY,100,${at(10)},`,
  ])
  expect((await importFile('ad-spend', newer, older)).code).toBe(0)
  await until(
    async () =>
      (await select("SELECT 1 FROM db.figure_versions FINAL WHERE figure LIKE 'finance late%'"))
        .length === 4,
  )
  const kept = "FROM db.ad_spend FINAL WHERE id LIKE 'late%' ORDER BY id"
  expect(await select(`SELECT id, amount_minor, withdrawn ${kept}`)).toEqual([
    { id: 'late-1', amount_minor: 900, withdrawn: false },
    { id: 'late-2', amount_minor: 900, withdrawn: true },
  ])
  expect(await select("SELECT id FROM db.ad_spend_current WHERE id LIKE 'late%'")).toEqual([
    { id: 'late-1' },
  ])
})

test('a session is announced, and has its end once it is over', async () => {
  const header =
    'platform,room,streamer,started_at,ended_at,currency,slot_fee_minor,commission_basis_points'
  const start = 'douyin,r-9,lin,2026-11-20 20:00'
  const announced = write('sessions.csv', [header, `${start},,CNY,500000,2000`])
  const over = write('over.csv', [header, `${start},2026-11-20 23:30,CNY,500000,2000`])
  expect((await importFile('live-sessions', announced, '--zone', '+08:00')).code).toBe(0)
  const sessions = () =>
    select<{ ended_at: string | null }>(
      "SELECT room, streamer, toString(started_at) AS started_at, if(ended_at IS NULL, NULL, toString(ended_at)) AS ended_at FROM db.live_sessions_current WHERE room = 'r-9'",
    )
  await until(async () => (await sessions()).length === 1)
  expect((await sessions())[0]?.ended_at).toBeNull()
  expect((await importFile('live-sessions', over, '--zone', '+08:00')).code).toBe(0)
  await until(async () => (await sessions())[0]?.ended_at === '2026-11-20 15:30:00.000')
})

test('costs hold until the next one, and mappings name the own SKU', async () => {
  const costs = write('costs.csv', [
    'sku,currency,valid_from,cost_minor',
    'A,CNY,2026-11-01T00:00:00Z,4000',
    'A,CNY,2026-01-01T00:00:00Z,3500',
    'B,CNY,2026-01-01T00:00:00Z,100',
  ])
  const mappings = write('mappings.csv', ['platform,platform_sku,sku,pieces', 'douyin,dy-1,A,2'])
  expect((await importFile('product-costs', costs)).code).toBe(0)
  expect((await importFile('sku-mappings', mappings)).code).toBe(0)
  await until(async () => (await select('SELECT 1 FROM db.product_costs_current')).length === 3)
  expect(
    await select(
      `SELECT sku, cost_minor, if(valid_to IS NULL, '', toString(valid_to)) AS valid_to
       FROM db.product_costs_current ORDER BY sku, valid_from`,
    ),
  ).toEqual([
    { sku: 'A', cost_minor: 3_500, valid_to: '2026-11-01 00:00:00.000' },
    { sku: 'A', cost_minor: 4_000, valid_to: '' },
    { sku: 'B', cost_minor: 100, valid_to: '' },
  ])
  await until(async () => (await select('SELECT 1 FROM db.sku_mappings_current')).length === 1)
  expect(
    await select('SELECT shop, platform_sku, sku, pieces FROM db.sku_mappings_current'),
  ).toEqual([{ shop: '', platform_sku: 'dy-1', sku: 'A', pieces: 2 }])
})

test('a check alone sends nothing', async () => {
  const file = write('check.csv', [
    spendHeader,
    `check-1,${hour},CNY,1,,`,
    `check-2,${hour},RMB,1,,`,
  ])
  const { code, stdout } = await importFile('ad-spend', file, '--dry-run')
  expect([code, stdout]).toEqual([
    2,
    `${file}: 2 rows read, 1 accepted, 1 refused, see ${file}.refused.csv; nothing was sent\n`,
  ])
})

test('a source that may not state a kind is told so, and the command ends with 1', async () => {
  const file = write('wrong.csv', [spendHeader, `wrong-1,${hour},CNY,1,,`])
  const port = /"port":(\d+)/.exec(gateway.output())?.[1] ?? ''
  const environment = {
    GATEWAY_URL: `http://127.0.0.1:${port}`,
    IMPORT_SOURCE: 'finance',
    IMPORT_SECRET: 'another-secret-of-16',
  }
  const { code, stderr } = await runScript('import', ['ad-spend', file], environment)
  expect(code).toBe(1)
  expect(stderr).toContain('answered 401: wrong signature')
})

test('figures of one run have the digests of another with the same outcome', async () => {
  const digests = () =>
    select(
      "SELECT name, rows, digest FROM db.table_digests WHERE name IN ('ad_spend', 'live_sessions') ORDER BY name",
    )
  const before = await digests()
  const versions = 'SELECT count() AS n FROM db.figure_versions FINAL'
  const [{ n } = { n: 0 }] = await select<{ n: number }>(versions)
  await importFile('ad-spend', join(directory, 'newer.csv'))
  await until(async () => ((await select<{ n: number }>(versions))[0]?.n ?? 0) > n)
  expect(await digests()).toEqual(before)
  const [{ rows } = { rows: 0 }] = await select<{ rows: number }>(
    "SELECT rows FROM db.table_digests WHERE name = 'ad_spend'",
  )
  expect(rows).toBe(5)
})
