// What the client makes of each kind of answer, from a server that gives them as Tryton was seen to.
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { TrytonRpc } from '../../services/erp-sink/tryton-rpc'

interface Reply {
  readonly status?: number
  readonly body: unknown
}

let server: Server
let methods: string[]
let reply: (method: string) => Reply | null
let nowMs: number

beforeEach(async () => {
  methods = []
  nowMs = 0
  reply = () => ({ body: { id: 1, result: [7] } })
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method } = JSON.parse(Buffer.concat(chunks).toString()) as { method: string }
      methods.push(method)
      const given = method.startsWith('model.sale') ? reply(method) : sessionReply(method)
      if (given === null) return
      response.writeHead(given.status ?? 200)
      response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

let sessionReply = (method: string): Reply => loginReply(method)

function loginReply(method: string): Reply {
  return {
    body:
      method === 'common.db.login'
        ? { id: 1, result: [2, 'session'] }
        : { id: 1, result: { company: 1, language: 'zh_CN' } },
  }
}

afterEach(() => {
  sessionReply = loginReply
})

function client(timeoutMs = 2_000): TrytonRpc {
  const { port } = server.address() as AddressInfo
  return new TrytonRpc(
    {
      url: `http://127.0.0.1:${port}`,
      database: 'erp',
      path: '/',
      user: 'sink',
      password: 'x',
      timeoutMs,
    },
    { now: () => nowMs, called: () => undefined },
  )
}

function search(rpc = client()): Promise<unknown> {
  return rpc.call('model.sale.sale.search', [[]])
}

test('a user error is a refusal in the words of the ERP', async () => {
  reply = () => ({
    body: { id: 1, error: ['UserError', ['The code on party must be unique.', '', null]] },
  })
  expect(await search()).toEqual({ refused: 'The code on party must be unique.' })
})

test('a programming error is a refusal too: the next document may be fine', async () => {
  reply = () => ({ body: { id: 1, error: ["'nonsense'", ''] } })
  expect(await search()).toEqual({ refused: "'nonsense'" })
})

test.each([
  ['a lock', ['database is locked', '']],
  ['a deadlock', ['deadlock detected\nDETAIL: x', '']],
  ['a lost race', ['ConcurrencyException', 'Records were modified in the meanwhile']],
  ['a missing right', ['UserError', ['You are not allowed to access "User".', '', null]]],
])('%s says nothing about the document: the ERP is unwell', async (_name, error) => {
  reply = () => ({ body: { id: 1, error } })
  await expect(search()).rejects.toMatchObject({ name: 'DependencyError', dependency: 'erp' })
})

test.each([429, 500, 502, 503, 404])('an answer of %i is the ERP being unwell', async (status) => {
  reply = () => ({ status, body: '<html>' })
  await expect(search()).rejects.toThrow(`answered ${status}`)
})

test('silence ends with the time-out', async () => {
  reply = () => null
  await expect(search(client(50))).rejects.toMatchObject({ name: 'DependencyError' })
})

test('a session that ran out is renewed once and the call repeated', async () => {
  let calls = 0
  reply = () => ((calls += 1) === 1 ? { status: 401, body: '' } : { body: { id: 1, result: [7] } })
  expect(await search()).toEqual({ result: [7] })
  expect(methods.filter((method) => method === 'common.db.login')).toHaveLength(2)
})

test('a session refused twice in a row is not asked for a third time', async () => {
  reply = () => ({ status: 401, body: '' })
  await expect(search()).rejects.toThrow('does not take the session')
  expect(methods.filter((method) => method === 'common.db.login')).toHaveLength(2)
})

test('a wrong password is tried so rarely that the ERP does not lock the user out', async () => {
  sessionReply = () => ({ status: 401, body: '' })
  const rpc = client()
  for (nowMs = 0; nowMs < 300_000; nowMs += 1_000) {
    await expect(search(rpc)).rejects.toThrow('refuses the password of user sink')
  }
  expect(methods.length).toBeLessThanOrEqual(4)
})

test.each([
  ['a refusal', ['UserError', ['The party "张三" +8613800000000 is blocked.', '', null]]],
  ['a fault', ["KeyError: '张三'", '']],
  ['a missing right', ['UserError', ['You are not allowed to read "张三".', '', null]]],
  ['a lost race', ['ConcurrencyException', '张三 was modified in the meanwhile']],
  ['a deadlock', ['deadlock detected\nCONTEXT: (name)=(张三)', '']],
])('what the ERP says of a buyer in %s is in no error', async (_name, error) => {
  reply = () => ({ body: { id: 1, error } })
  await expect(client().ask('model.sale.sale.search', [[]])).rejects.toThrow(
    expect.objectContaining({
      message: expect.not.stringMatching(/张三|1380000/) as string,
      cause: expect.not.stringMatching(/张三|1380000/) as string,
    }) as Error,
  )
})

test('nor what stands in an answer that is no JSON', async () => {
  reply = () => ({ body: '张三 lives in 杭州' })
  await expect(search()).rejects.toThrow('answered what is no JSON to model.sale.sale.search')
})

test('a field the ERP does not have is named', async () => {
  reply = () => ({ body: { id: 1, error: ["'web_id'", ''] } })
  await expect(client().ask('model.sale.sale.search', [[]])).rejects.toThrow(
    'refuses model.sale.sale.search: web_id; why stands in its own log',
  )
})

test('the session is given back at the end, unless the ERP is away', async () => {
  const rpc = client()
  await search(rpc)
  await rpc.logout()
  expect(methods.at(-1)).toBe('common.db.logout')
  await rpc.logout()
  expect(methods.filter((method) => method === 'common.db.logout')).toHaveLength(1)
  sessionReply = (method) =>
    method === 'common.db.logout' ? { status: 503, body: '' } : loginReply(method)
  await search(rpc)
  await rpc.logout()
  const never = client()
  sessionReply = () => ({ status: 503, body: '' })
  await expect(search(never)).rejects.toThrow('503')
  await never.logout()
})

test('calls that come while the first one logs in share its session', async () => {
  const rpc = client()
  await Promise.all([search(rpc), search(rpc), search(rpc)])
  expect(methods.filter((method) => method === 'common.db.login')).toHaveLength(1)
})
