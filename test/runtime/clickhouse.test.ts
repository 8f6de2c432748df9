import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'

let server: Server
let warehouse: Warehouse
let answer: (request: IncomingMessage, response: ServerResponse) => void
let asked: URL[] = []

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://warehouse'))
    request.resume().on('end', () => {
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  warehouse = connectWarehouse({ url, database: 'd', user: 'u', password: '', timeoutMs: 200 })
})

afterEach(async () => {
  await warehouse.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function failing(status: number, code: number | null, text: string): typeof answer {
  return (_request, response) => {
    if (code !== null) response.setHeader('X-ClickHouse-Exception-Code', String(code))
    response.writeHead(status).end(text)
  }
}

const insert = { table: 't', rows: [{ a: 1 }], token: 'token-1' }

test('an insert carries its token and reaches the roll-ups again when repeated', async () => {
  answer = (_request, response) => response.end()
  expect(await warehouse.insert(insert)).toBeNull()
  expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toMatchObject({
    query: 'INSERT INTO `d`.`t` FORMAT JSONEachRow',
    insert_deduplication_token: 'token-1',
    deduplicate_blocks_in_dependent_materialized_views: '1',
    async_insert: '0',
  })
})

test('wrong data is refused, without the words that quote it', async () => {
  answer = failing(400, 27, "Code: 27. DB::Exception: Cannot parse '+86 138'. (CANNOT_PARSE_INPUT)")
  expect(await warehouse.insert(insert)).toEqual({ code: 27, name: 'CANNOT_PARSE_INPUT' })
})

test.each<[string, typeof answer]>([
  ['is overloaded', failing(503, null, 'busy')],
  ['has too many parts', failing(500, 252, 'Code: 252. DB::Exception: Many. (TOO_MANY_PARTS)')],
  ['refuses the password', failing(403, 516, 'Code: 516. DB::Exception: No. (AUTHENTICATION)')],
  ['misses the table', failing(404, 60, 'Code: 60. DB::Exception: No. (UNKNOWN_TABLE)')],
  ['hangs up', (request) => request.socket.destroy()],
  ['never answers', () => undefined],
])('a ClickHouse that %s is tried again', async (_what, how) => {
  answer = how
  await expect(warehouse.insert(insert)).rejects.toMatchObject({
    name: 'DependencyError',
    dependency: 'clickhouse',
  })
})
