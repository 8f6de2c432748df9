// The contract between the local ClickHouse server and its clients: what @clickhouse/client and curl may rely on.
import { ClickHouseError, createClient, type ClickHouseClient } from '@clickhouse/client'
import { randomBytes } from 'node:crypto'
import { stackFromEnvironment } from '../support/stack'

const database = `contract_${randomBytes(4).toString('hex')}`
let client: ClickHouseClient
let url: string

beforeAll(async () => {
  url = stackFromEnvironment().clickhouseUrl
  const admin = createClient({ url })
  await admin.command({ query: `CREATE DATABASE ${database}` })
  await admin.close()
  client = createClient({
    url,
    database,
    username: 'somebody',
    password: 'something',
    compression: { request: true, response: true },
    max_open_connections: 20,
    log: { level: 127 },
  })
})

afterAll(async () => {
  await client.command({ query: `DROP DATABASE ${database}` })
  await client.close()
})

async function aTable(name: string): Promise<string> {
  await client.command({
    query: `CREATE TABLE ${name} (id UInt64, text String) ENGINE = MergeTree ORDER BY id`,
  })
  return name
}

async function rowsOf<T>(query: string, parameters: Record<string, unknown> = {}): Promise<T[]> {
  const result = await client.query({ query, query_params: parameters, format: 'JSONEachRow' })
  return result.json<T>()
}

async function post(path: string, body: string | Buffer): Promise<Response> {
  return fetch(`${url}/${path}`, { method: 'POST', body })
}

test('a ping is answered, by the server and by the engine', async () => {
  expect(await client.ping()).toEqual({ success: true })
  expect(await client.ping({ select: true })).toEqual({ success: true })
})

test('inserted rows are read back by parameters of every kind', async () => {
  const table = await aTable('parameters')
  const text = "tab\t quote' backslash\\ 直播"
  await client.insert({ table, values: [{ id: 1, text }], format: 'JSONEachRow' })
  await client.insert({ table, values: [], format: 'JSONEachRow' })
  const query = `SELECT id, text FROM {table:Identifier} WHERE text = {text:String} AND id IN {ids:Array(UInt64)}
    AND {none:Nullable(String)} IS NULL AND toDateTime64(0, 3) = {at:DateTime64(3)}`
  const parameters = { table, text, ids: [1, 2], none: null, at: new Date(0) }
  expect(await rowsOf(query, parameters)).toEqual([{ id: 1, text }])
})

test('settings hold for their own request only', async () => {
  const query = "SELECT getSetting('max_block_size') AS size"
  const settings = { max_block_size: '7' }
  const changed = await client.query({
    query,
    clickhouse_settings: settings,
    format: 'JSONEachRow',
  })
  expect(await changed.json()).toEqual([{ size: 7 }])
  expect(await rowsOf(query)).not.toEqual([{ size: 7 }])
})

test("a refused query carries the engine's code and words", async () => {
  const refused = rowsOf('SELECT * FROM nowhere')
  await expect(refused).rejects.toBeInstanceOf(ClickHouseError)
  await expect(refused).rejects.toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' })
  const answer = await post('', 'SELECT * FROM nowhere')
  expect(answer.status).toBe(404)
  expect(answer.headers.get('x-clickhouse-exception-code')).toBe('60')
  expect(await answer.text()).toMatch(/^Code: 60\. DB::Exception: .*nowhere/)
})

test('a second statement in one request is refused and not executed', async () => {
  const table = await aTable('only_one')
  await expect(client.command({ query: `SELECT 1; DROP TABLE ${table}` })).rejects.toMatchObject({
    code: '62',
  })
  expect(await rowsOf(`SELECT count() AS n FROM ${table}`)).toEqual([{ n: 0 }])
})

test('a GET request writes nothing', async () => {
  const query = encodeURIComponent(`CREATE TABLE ${database}.by_get (a Int8) ENGINE = Memory`)
  const answer = await fetch(`${url}/?query=${query}`)
  expect(answer.headers.get('x-clickhouse-exception-code')).toBe('164')
  expect(await (await fetch(`${url}/?query=SELECT%201`)).text()).toBe('1\n')
})

test('a long result arrives in pieces, and a query id comes back', async () => {
  const result = await client.query({
    query: 'SELECT number AS id FROM numbers(300000)',
    format: 'JSONEachRow',
    query_id: 'a-query-of-mine',
  })
  expect(result.query_id).toBe('a-query-of-mine')
  let pieces = 0
  let rows = 0
  for await (const some of result.stream()) {
    pieces += 1
    rows += some.length
  }
  expect(rows).toBe(300_000)
  expect(pieces).toBeGreaterThan(1)
})

test('a query that fails in its middle fails at the client, before or after its first rows', async () => {
  const read = async (): Promise<void> => {
    const result = await client.query({
      query: 'SELECT throwIf(number = 150000) AS x FROM numbers(200000)',
      format: 'JSONEachRow',
    })
    for await (const rows of result.stream()) expect(rows.length).toBeGreaterThan(0)
  }
  await expect(read()).rejects.toMatchObject({ code: '395' })
})

test('a deduplication token writes its rows once, in the table and in what views feed from it', async () => {
  const window = 'SETTINGS non_replicated_deduplication_window = 100'
  for (const query of [
    `CREATE TABLE events (id UInt64) ENGINE = MergeTree ORDER BY id ${window}`,
    `CREATE TABLE counts (k UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY k ${window}`,
    'CREATE MATERIALIZED VIEW feed TO counts AS SELECT 1 AS k, count() AS n FROM events GROUP BY k',
  ]) {
    await client.command({ query })
  }
  const insert = (token: string): Promise<unknown> =>
    client.insert({
      table: 'events',
      values: Array.from({ length: 500 }, (_, id) => ({ id })),
      format: 'JSONEachRow',
      clickhouse_settings: {
        insert_deduplication_token: token,
        deduplicate_blocks_in_dependent_materialized_views: 1,
      },
    })
  await insert('first')
  await insert('first')
  await insert('second')
  const sums = 'SELECT (SELECT count() FROM events) AS rows, (SELECT sum(n) FROM counts) AS counted'
  expect(await rowsOf(sums)).toEqual([{ rows: 1000, counted: 1000 }])
})

test('twenty clients insert at once and no row is lost', async () => {
  const table = await aTable('concurrent')
  const insert = (from: number): Promise<unknown> =>
    client.insert({
      table,
      values: Array.from({ length: 2_000 }, (_, n) => ({ id: from * 2_000 + n, text: 'x' })),
      format: 'JSONEachRow',
    })
  await Promise.all(Array.from({ length: 20 }, (_, from) => insert(from)))
  expect(await rowsOf(`SELECT count() AS n, uniqExact(id) AS ids FROM ${table}`)).toEqual([
    { n: 40000, ids: 40000 },
  ])
})

test('forty megabytes go in with one request while others are answered', async () => {
  const table = await aTable('large')
  const line = JSON.stringify({ id: 1, text: 'x'.repeat(1_000) })
  const body = Buffer.from(`${line}\n`.repeat(40_000))
  const inserting = post(
    `?database=${database}&query=INSERT+INTO+${table}+FORMAT+JSONEachRow`,
    body,
  )
  const begun = performance.now()
  expect(await rowsOf('SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(performance.now() - begun).toBeLessThan(2_000)
  const answer = await inserting
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.headers.get('x-clickhouse-summary') ?? '')).toMatchObject({
    written_rows: '40000',
  })
  expect(await rowsOf(`SELECT count() AS n FROM ${table}`)).toEqual([{ n: 40000 }])
})

test.each([
  ['in the address, data in the body', `?query=INSERT+INTO+by_hand+FORMAT+CSV`, '1,"a;b"\n'],
  ['and data in the body', '?', 'INSERT INTO by_hand FORMAT CSV\n1,"a;b"\n'],
  ['with values', '?', "INSERT INTO by_hand VALUES (1, 'a;b');"],
])('an insert may be written as curl users do: statement %s', async (_name, path, body) => {
  await client.command({ query: 'DROP TABLE IF EXISTS by_hand' })
  await aTable('by_hand')
  expect((await post(`${path}&database=${database}`, body)).status).toBe(200)
  expect(await rowsOf('SELECT * FROM by_hand')).toEqual([{ id: 1, text: 'a;b' }])
})

test('binary rows arrive as they are, whatever bytes they begin with', async () => {
  const table = await aTable('binary')
  const rows = [10, 13, 32, 59].map((id) => {
    const row = Buffer.alloc(10)
    row.writeBigUInt64LE(BigInt(id))
    row.writeUInt8(1, 8)
    row.write(';', 9)
    return row
  })
  for (const row of rows) {
    const path = `?database=${database}&query=INSERT+INTO+${table}+FORMAT+RowBinary`
    expect((await post(path, row)).status).toBe(200)
  }
  const path = `?database=${database}&default_format=RowBinary`
  const answer = await post(path, `SELECT * FROM ${table} ORDER BY id`)
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.concat(rows))
})

test('what a body cannot be, or what the interface does not have, is refused in words', async () => {
  expect(await (await post('?compress=1', 'SELECT 1')).text()).toMatch(/Accept-Encoding: gzip/)
  expect(await (await post('?session_id=1', 'SELECT 1')).text()).toMatch(/sessions/)
  expect(await (await post('', '')).text()).toMatch(/Empty query/)
  const odd = await fetch(url, {
    method: 'POST',
    body: 'x',
    headers: { 'content-encoding': 'zstd' },
  })
  expect(await odd.text()).toMatch(/Unknown compression method: zstd/)
})
