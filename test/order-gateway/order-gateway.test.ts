import { request as httpRequest } from 'node:http'
import { createAcceptOrders } from '../../services/order-gateway/accept-orders'
import { createGatewayApp } from '../../services/order-gateway/app'
import { createReplays } from '../../services/order-gateway/replays'
import { signatureOf } from '../../services/order-gateway/signature'
import { gatewaySources } from '../../services/order-gateway/sources'
import { createSeal, openSealed } from '../../services/runtime/seal'
import type { EdgeGuardSettings } from '../../services/runtime/edge-guard'
import {
  createEdgeBench,
  createTestGuard,
  identifierTools,
  serve,
  type RunningServer,
} from '../support/edge-fakes'

const now = 1_767_225_600_000
const secret = 'first-secret-0123456'
const keys = new Map([['k1', Buffer.alloc(32, 1)]])
const sources = gatewaySources.parse([
  {
    name: 'douyin-main',
    secrets: [secret, 'second-secret-012345'],
    platform: 'douyin',
    shops: ['S1'],
  },
])

const running: RunningServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})

async function startGateway(
  limits: { readonly bodyBytesMax?: number } = {},
  own: Partial<EdgeGuardSettings> = {},
) {
  const bench = createEdgeBench('Order', ({ order_key: key }) => key)
  const clock = { now }
  const guard = createTestGuard(bench, own, () => clock.now)
  const app = createGatewayApp({
    logger: bench.logger,
    metrics: bench.metrics,
    sources,
    accept: createAcceptOrders({
      intake: bench.intake,
      tools: { ...identifierTools, seal: createSeal(keys, 'k1') },
      metrics: bench.metrics,
      now: () => clock.now,
      ageMaxMs: 1e12,
    }),
    acceptFigures: () => Promise.resolve(null),
    replays: createReplays(100, () => clock.now),
    now: () => clock.now,
    guard,
    bodyBytesMax: limits.bodyBytesMax ?? 100_000,
    ordersMax: 3,
    figuresMax: 3,
    signatureAgeMaxSeconds: 300,
  })
  const server = await serve(app, guard)
  running.push(server)
  const post = (
    body: unknown,
    given: { readonly source?: string; readonly secret?: string; readonly at?: number } = {},
  ) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const at = given.at ?? now / 1000
    const signature = signatureOf(given.secret ?? secret, at, Buffer.from(text)).toString('hex')
    return fetch(`${server.url}/orders/${given.source ?? 'douyin-main'}`, {
      method: 'POST',
      headers: { 'x-tributary-signature': `t=${at},v1=${signature}` },
      body: text,
    })
  }
  return { ...bench, server, clock, post }
}

const order = {
  order_id: '6921',
  status: 'paid',
  currency: 'CNY',
  created_at: now - 60_000,
  paid_at: now - 30_000,
  updated_at: now - 30_000,
  paid_minor: 100,
  lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 100 }],
}

test('a signed order is answered 200 once Kafka has it, under its order key', async () => {
  const { post, producer, records } = await startGateway()
  const response = await post(order)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    accepted: 1,
    rejected: 0,
    orders: [{ index: 0, order_key: 'douyin:S1:6921', status: 'accepted' }],
  })
  expect(String(producer.sends.flat()[0]?.key)).toBe('douyin:S1:6921')
  expect(records()).toMatchObject([{ order_key: 'douyin:S1:6921', accepted_at: now }])
})

test('either secret of a source signs', async () => {
  const { post } = await startGateway()
  expect((await post(order, { secret: 'second-secret-012345' })).status).toBe(200)
})

test.each([
  ['a wrong secret', { secret: 'forged-secret-012345' }, /^wrong signature$/],
  ['a source nobody knows', { source: 'nobody' }, /^wrong signature$/],
  ['an old signature', { at: now / 1000 - 301 }, /signed 301 s ago/],
])('%s is refused 401', async (_case, given, words) => {
  const { post, producer } = await startGateway()
  const response = await post(order, given)
  expect(response.status).toBe(401)
  expect(((await response.json()) as { error: string }).error).toMatch(words)
  expect(producer.sends).toEqual([])
})

test('an unsigned order is refused before its body is looked at', async () => {
  const { server, producer } = await startGateway()
  const response = await fetch(`${server.url}/orders/douyin-main`, { method: 'POST', body: '{' })
  expect(response.status).toBe(401)
  expect(producer.sends).toEqual([])
})

test('the same signed request again succeeds again without a second effect', async () => {
  const { post, producer } = await startGateway()
  const first = (await (await post(order)).json()) as object
  const second = await post(order)
  expect(second.status).toBe(200)
  expect(await second.json()).toEqual({ ...first, duplicate: true })
  expect(producer.sends).toHaveLength(1)
})

test('a repetition of a request that Kafka did not take is produced', async () => {
  const { post, producer, records } = await startGateway()
  producer.mode = 'refuse'
  const first = await post(order)
  expect(first.status).toBe(503)
  expect(first.headers.get('retry-after')).toBe('5')
  producer.mode = 'acknowledge'
  const second = await post(order)
  expect(second.status).toBe(200)
  expect(await second.json()).not.toHaveProperty('duplicate')
  expect(records()).toHaveLength(1)
})

test('an order refused for being early is taken when the same request comes again', async () => {
  const { post, clock, records } = await startGateway()
  const early = { ...order, updated_at: now + 301_000 }
  expect((await post(early)).status).toBe(400)
  clock.now = now + 2_000
  expect((await post(early)).status).toBe(200)
  expect(records()).toHaveLength(1)
})

test('two deliveries of one snapshot differ in the time they were accepted and in nothing else', async () => {
  const { post, clock, records } = await startGateway()
  const withBuyer = { ...order, buyer: { name: '张三', phone: '13812345678' } }
  await post(withBuyer)
  clock.now += 1_000
  await post(withBuyer, { at: now / 1000 + 1 })
  const [first, second] = records()
  expect(second).toEqual({ ...first, accepted_at: now + 1_000 })
})

test('of several orders the good ones are taken, but nothing short of all is success', async () => {
  const { post, records } = await startGateway()
  const response = await post([order, { ...order, order_id: '7', currency: 'XXY' }, 'x'])
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({
    error: '2 of 3 orders refused',
    accepted: 1,
    rejected: 2,
    orders: [
      { order_key: 'douyin:S1:6921', status: 'accepted' },
      { order_key: 'douyin:S1:7', status: 'rejected', faults: [{ field: 'currency' }] },
      { status: 'rejected', faults: [{ field: 'order' }] },
    ],
  })
  expect(records()).toHaveLength(1)
})

test.each([
  ['negative money', { ...order, paid_minor: -100 }, 'paid_minor'],
  ['an unknown currency', { ...order, currency: 'ZZZ' }, 'currency'],
  ['sums that do not add up', { ...order, paid_minor: 101 }, 'paid_minor'],
  ['another shop', { ...order, shop: 'S2' }, 'shop'],
])('%s is refused by field', async (...[, body, field]) => {
  const { post, producer } = await startGateway()
  const response = await post(body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ orders: [{ faults: [{ field }] }] })
  expect(producer.sends).toEqual([])
})

test.each([
  { body: '{"order_id":', status: 400, error: 'malformed JSON' },
  { body: '[]', status: 400, error: 'no orders' },
  {
    body: JSON.stringify([order, order, order, order]),
    status: 413,
    error: 'too many orders: 4, at most 3',
  },
  {
    body: `"${'x'.repeat(2_000)}"`,
    status: 413,
    error: 'body too large: at most 1500 bytes',
  },
])('$error is a clear answer', async ({ body, status, error }) => {
  const { post } = await startGateway({ bodyBytesMax: 1_500 })
  const response = await post(body)
  expect(response.status).toBe(status)
  expect(await response.json()).toEqual({ error })
})

test('name, phone and address travel sealed for this order only, and nowhere else', async () => {
  const { post, records, producer, logged } = await startGateway()
  const response = await post({
    ...order,
    buyer: { name: '张三', phone: '13812345678', unionid: 'union-secret' },
    receiver: { name: '李四', phone: '13912345678', address: { city: '杭州', street: '文三路' } },
  })
  const [record] = records()
  const sealed = record?.sealed_buyer
  if (!sealed) throw new Error('nothing sealed')
  const opened = openSealed(keys, sealed, 'douyin:S1:6921')
  expect(JSON.parse(typeof opened === 'string' ? opened : '')).toMatchObject({
    name: '李四',
    phone: '13912345678',
    address: { city: '杭州', street: '文三路' },
  })
  expect(openSealed(keys, sealed, 'douyin:S1:6922')).toMatchObject({ rejected: 'invalid' })
  const seen = [
    await response.text(),
    logged(),
    ...producer.sends.flat().map(({ value }) => String(value)),
  ].join()
  for (const secretText of ['张三', '李四', '138123', '139123', '文三路', 'union-secret']) {
    expect(seen).not.toContain(secretText)
  }
})

test('other paths and methods have clear answers that show nothing of the server', async () => {
  const { server } = await startGateway()
  const get = await fetch(`${server.url}/orders/douyin-main`)
  expect(get.status).toBe(405)
  const broken = await fetch(`${server.url}/orders/%ff`, { method: 'POST' })
  expect(broken.status).toBe(400)
  expect(await broken.json()).toEqual({ error: 'malformed path' })
  expect(broken.headers.get('x-powered-by')).toBeNull()
  expect((await fetch(`${server.url}/`)).status).toBe(404)
})

test.each([
  [{ platform: 'phone' }, /reserved/],
  [{ platform: 'order' }, /reserved/],
  [{ platform: 'Douyin' }, /pattern|string/i],
  [{ shops: [] }, /./],
  [{ shops: ['a:b'] }, /./],
  [{ secrets: ['short'] }, />=16/],
  [{ platform: undefined }, /belong together/],
  [{ platform: undefined, shops: undefined }, /nothing it may send/],
  [{ figures: ['dreams'] }, /./],
])('a source with %j is refused at start', (given, words) => {
  const base = { name: 'a', secrets: [secret], platform: 'douyin', shops: ['S1'] }
  const { success, error } = gatewaySources.safeParse([{ ...base, ...given }])
  expect(success).toBe(false)
  expect(error?.issues.map(({ message }) => message).join()).toMatch(words)
})

test('a source that sends too many orders hears 429 and when to come again', async () => {
  const { post, clock, records } = await startGateway({}, { RECORDS_PER_SECOND_MAX: 0.1 })
  expect((await post(order)).status).toBe(200)
  const refused = await post({ ...order, order_id: '2' })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
  clock.now += 10_000
  expect((await post({ ...order, order_id: '2' })).status).toBe(200)
  expect(records()).toHaveLength(2)
})

test('an address that forges signatures hears 429 before anything of its body is read', async () => {
  const { post, server, clock } = await startGateway({}, { FAILURES_PER_MINUTE_MAX: 2 })
  const forged = { secret: 'forged-secret-012345' }
  const statuses = [await post(order, forged), await post(order, forged), await post(order, forged)]
  expect(statuses.map(({ status }) => status)).toEqual([401, 401, 429])
  const status = await new Promise((resolve, reject) => {
    const options = { port: server.port, path: '/orders/douyin-main', method: 'POST' }
    httpRequest({ ...options, headers: { 'content-length': '100' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .flushHeaders()
  })
  expect(status).toBe(429)
  clock.now += 30_000
  expect((await post(order)).status).toBe(200)
})

test('a request repeated to a gateway that has forgotten it changes nothing but the time of acceptance', async () => {
  const [before, after] = [await startGateway(), await startGateway()]
  await before.post(order)
  after.clock.now += 1_000
  expect((await after.post(order)).status).toBe(200)
  const [first] = before.records()
  expect(after.records()).toEqual([{ ...first, accepted_at: now + 1_000 }])
})
