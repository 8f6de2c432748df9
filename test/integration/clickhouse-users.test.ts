// Least privilege on the real engine, behind TLS: what each user can do, and what none of them can.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clickhousePart } from '../../infra/local/clickhouse'
import { findFreePortNumbers, installRoot } from '../../infra/local/config'
import { runPart, untilReady, type RunningPart } from '../../infra/local/run-part'
import { applyMigrations, assertMigrated } from '../../services/clickhouse-writer/migrations'
import { applyUsers } from '../../services/clickhouse-writer/users'
import { isReject } from '../../services/core/reject'
import { attributedOrderRow } from '../../services/core/warehouse/attributed-order-row'
import type { WarehouseLayout } from '../../services/core/warehouse/migration'
import {
  warehouseRoles,
  warehouseUser,
  type WarehouseRole,
} from '../../services/core/warehouse/users'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { DependencyError } from '../../services/runtime/errors'
import { loadConfig } from '../../services/runtime/config'
import { warehouseOptions, warehouseSettings } from '../../services/runtime/warehouse-settings'
import { anAttributedOrder } from '../support/attributed-order'
import { anAuthority, signedBy } from '../support/certificates'

const layout: WarehouseLayout = { database: 'shop', cluster: '', deduplicationWindow: 100 }
const passwords: Record<WarehouseRole, string> = {
  owner: 'password of the owner',
  writer: 'password of the writer',
  ledger: 'password of the ledger',
  reader: 'password of the reader',
}

let directory: string
let part: RunningPart
let url: string
let administrator: Warehouse
const opened: Warehouse[] = []

beforeAll(async () => {
  mkdirSync(installRoot(), { recursive: true })
  directory = mkdtempSync(join(installRoot(), 'test-users-'))
  const authority = await anAuthority('test authority')
  const server = await signedBy(authority, 'clickhouse')
  writeFileSync(file('authority.pem'), authority.certificate)
  writeFileSync(file('stranger.pem'), (await anAuthority('stranger')).certificate)
  writeFileSync(file('server.pem'), server.certificate)
  writeFileSync(file('server.key'), server.key)
  const [port = 0] = await findFreePortNumbers(1)
  url = `https://127.0.0.1:${port}`
  await start(port)
  administrator = connect({})
  await applyMigrations(administrator, layout)
  await applyUsers(administrator, layout, passwords)
})

afterAll(async () => {
  await Promise.all(opened.map((warehouse) => warehouse.close()))
  await part.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function start(port: number): Promise<void> {
  const tls = { certificate: file('server.pem'), key: file('server.key') }
  const dataDirectory = file('data')
  part = runPart(clickhousePart({ dataDirectory, port, tls }), file('clickhouse.log'))
  await untilReady(part)
}

function file(name: string): string {
  return join(directory, name)
}

function connect(environment: Readonly<Record<string, string>>): Warehouse {
  const config = loadConfig(warehouseSettings, {
    CLICKHOUSE_URL: url,
    CLICKHOUSE_CA_FILE: file('authority.pem'),
    CLICKHOUSE_DATABASE: layout.database,
    ...environment,
  })
  const warehouse = connectWarehouse(warehouseOptions(config))
  opened.push(warehouse)
  return warehouse
}

function as(role: WarehouseRole): Warehouse {
  return connect({
    CLICKHOUSE_USER: warehouseUser(layout, role),
    CLICKHOUSE_PASSWORD: passwords[role],
  })
}

async function refusal(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'done',
    (error: unknown) => String(error),
  )
}

function anOrderRow(version: number) {
  const order = { ...anAttributedOrder(), version }
  const at = { topic: 'attributed-orders', partition: 0, offset: version, timestampMs: 1 }
  const row = attributedOrderRow(order, at)
  if (isReject(row)) throw new Error(row.detail)
  return row
}

test('the writer finds its tables migrated, adds rows, and the roll-ups have them', async () => {
  const writer = as('writer')
  await assertMigrated(writer)
  const rows = [anOrderRow(1)]
  expect(await writer.insert({ table: 'attributed_orders', rows, token: 'a' })).toBeNull()
  const [found] = await as('reader').query<{ orders: number; credits: number }>(
    'SELECT (SELECT count() FROM shop.orders_current) AS orders, (SELECT count() FROM shop.credit_hours) AS credits',
  )
  expect(found?.orders).toBe(1)
  expect(found?.credits).toBeGreaterThan(0)
})

test('the owner repeats every migration and deletes', async () => {
  const owner = as('owner')
  expect(await applyMigrations(owner, layout)).toEqual([])
  await owner.command('DROP VIEW shop.table_digests')
  await administrator.command('TRUNCATE TABLE shop.schema_migrations')
  expect((await applyMigrations(owner, layout)).length).toBeGreaterThan(5)
  await owner.command("ALTER TABLE shop.findings DELETE WHERE subject = 'nobody'")
  await owner.query('SELECT count() FROM system.mutations')
})

test('the other services tell the ledger, and read nothing but its questions', async () => {
  const ledger = as('ledger')
  const entry = { boot: 'b', kind: 'order', source: 's', minute: '2026-11-23 10:00:00' }
  const rows = [{ ...entry, records: 1, digest: 1, sequences: [{ first: 1, last: 1 }] }]
  expect(await ledger.insert({ table: 'ledger_entries', rows, token: '' })).toBeNull()
  expect(await ledger.query('SELECT * FROM shop.ledger_questions')).toEqual([])
})

const denied: readonly (readonly [WarehouseRole, string])[] = [
  ['writer', 'DROP TABLE shop.orders'],
  ['writer', 'TRUNCATE TABLE shop.orders'],
  ['writer', 'ALTER TABLE shop.orders DELETE WHERE 1'],
  ['writer', 'CREATE TABLE shop.more (x Int8) ENGINE = Memory'],
  ['writer', 'CREATE DATABASE elsewhere'],
  ['ledger', 'SELECT count() FROM shop.orders'],
  ['ledger', 'SELECT count() FROM shop.touchpoints'],
  ['ledger', 'INSERT INTO shop.schema_migrations (number) VALUES (1)'],
  ['reader', 'INSERT INTO shop.schema_migrations (number) VALUES (1)'],
  ['reader', 'ALTER TABLE shop.orders DELETE WHERE 1'],
  ['owner', 'CREATE TABLE elsewhere.t (x Int8) ENGINE = Memory'],
  ['owner', 'CREATE USER IF NOT EXISTS friend'],
  ...warehouseRoles.flatMap((role) =>
    [
      'SELECT * FROM system.users',
      "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'x String')",
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    ].map((sql) => [role, sql] as const),
  ),
]

test.each(denied)('the %s is denied: %s', async (role, sql) => {
  expect(await refusal(as(role).command(sql))).toMatch(/Not enough privileges/)
})

test('applied again the rights are the same, and a password that is given anew counts', async () => {
  const names = await applyUsers(administrator, layout, {
    ...passwords,
    reader: 'another password',
  })
  expect(names).toEqual(['shop_owner', 'shop_writer', 'shop_ledger', 'shop_reader'])
  const old = await refusal(as('reader').query('SELECT 1'))
  expect(old).toMatch(/Authentication failed.*look at CLICKHOUSE_USER and CLICKHOUSE_PASSWORD/)
  const reader = connect({
    CLICKHOUSE_USER: 'shop_reader',
    CLICKHOUSE_PASSWORD: 'another password',
  })
  expect(await reader.query('SELECT count() AS n FROM shop.orders_current')).toEqual([{ n: 1 }])
  expect(await refusal(reader.command('TRUNCATE TABLE shop.orders'))).toMatch(
    /Not enough privileges/,
  )
})

test('users outlive the server', async () => {
  const { port } = new URL(url)
  await part.kill()
  await start(Number(port))
  expect(await as('writer').query('SELECT count() AS n FROM shop.orders FINAL')).toEqual([{ n: 1 }])
  expect(await refusal(as('writer').command('TRUNCATE TABLE shop.orders'))).toMatch(
    /Not enough privileges/,
  )
})

test('a ClickHouse whose authority is another one is not talked to', async () => {
  const stranger = connect({ CLICKHOUSE_CA_FILE: file('stranger.pem') })
  const error = await stranger.query('SELECT 1').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DependencyError)
  expect(String(error)).toMatch(/certificate.*look at CLICKHOUSE_CA/)
})
