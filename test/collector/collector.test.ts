import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { partitionOf } from '../../services/core/partition'
import { collectorSources } from '../../services/collector/sources'
import { identifierTools } from '../support/edge-fakes'
import { click, key, now, page, startCollector } from './start-collector'

test('an event is answered 200 once Kafka has it, keyed and placed by its strongest identifier', async () => {
  const { post, producer, records } = await startCollector()
  const response = await post({ ...click, identifiers: { phone: '13812345678', device: 'd' } })
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    accepted: 1,
    rejected: 0,
    events: [{ index: 0, id: 'e-1', status: 'accepted' }],
  })
  const [sent] = producer.sends.flat()
  const phone = identifierTools.hash('phone', '', '+8613812345678')
  expect(String(sent?.key)).toBe(phone)
  expect(sent?.partition).toBe(partitionOf(Buffer.from(phone), 4))
  expect(records()).toMatchObject([
    { id: 'e-1', source: 'web', channel: 'web.page', accepted_at: now, at: now - 1_000 },
  ])
})

test('no answer before Kafka acknowledged', async () => {
  const { post, producer } = await startCollector()
  producer.mode = 'hold'
  const order: string[] = []
  const answered = post(click).then((response) => {
    order.push(`answered ${response.status}`)
  })
  while (producer.sends.length === 0) await new Promise((resolve) => setImmediate(resolve))
  order.push('acknowledged')
  producer.release()
  await answered
  expect(order).toEqual(['acknowledged', 'answered 200'])
})

test('the good events of a batch are taken although others are bad', async () => {
  const { post, records } = await startCollector()
  const response = await post([click, { id: 'e-2', type: 'nonsense' }, null, { type: 'scan' }])
  expect(response.status).toBe(207)
  expect(await response.json()).toMatchObject({
    accepted: 2,
    rejected: 2,
    events: [
      { index: 0, id: 'e-1', status: 'accepted' },
      { index: 1, id: 'e-2', status: 'rejected', faults: [{ field: 'type' }] },
      { index: 2, status: 'rejected', faults: [{ field: 'event' }] },
      { index: 3, id: 'minted-1', status: 'accepted' },
    ],
  })
  expect(records().map(({ id }) => id)).toEqual(['e-1', 'minted-1'])
})

test('a batch without a good event is refused and reaches nobody', async () => {
  const { post, producer } = await startCollector()
  const response = await post({ events: [{ type: 'x' }, 7] })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ accepted: 0, rejected: 2 })
  expect(producer.sends).toEqual([])
})

test('a beacon is text/plain with the write key in its query or body', async () => {
  const { server, records } = await startCollector()
  const beacon = (query: string, body: object) =>
    fetch(`${server.url}/collect${query}`, { method: 'POST', body: JSON.stringify(body) })
  const answers = [
    await beacon(`?write_key=${key}`, [click]),
    await beacon('', { write_key: key, events: [{ ...click, id: 'e-2' }] }),
    await beacon('', { write_key: key, ...click, id: 'e-3' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(JSON.stringify(await Promise.all(answers.map((answer) => answer.json())))).not.toContain(
    'warnings',
  )
  expect(records().map(({ id }) => id)).toEqual(['e-1', 'e-2', 'e-3'])
})

test("a batch's sent_at corrects the clock of every event without its own", async () => {
  const { post, records } = await startCollector()
  const hour = 3_600_000
  await post({ sent_at: now + hour, events: [{ ...click, at: now + hour - 9 }] })
  expect(records()[0]).toMatchObject({ at: now - 9, sent_at: now + hour })
})

test.each([
  { given: 'malformed JSON', body: '{"type":', status: 400, error: 'malformed JSON' },
  { given: 'no UTF-8', body: Buffer.from([0x22, 0xff]), status: 400, error: 'malformed JSON' },
  { given: 'an empty body', body: '', status: 400, error: 'malformed JSON' },
  { given: 'no events', body: '[]', status: 400, error: 'no events' },
  { given: 'no list', body: '{"events":{}}', status: 400, error: 'events must be a list' },
  {
    given: 'too many events',
    body: JSON.stringify([click, click, click, click]),
    status: 413,
    error: 'too many events: 4, at most 3',
  },
  {
    given: 'too many bytes',
    body: JSON.stringify('x'.repeat(2_000)),
    status: 413,
    error: 'body too large: at most 1000 bytes',
  },
  {
    given: 'far too many bytes',
    body: JSON.stringify('x'.repeat(20_000)),
    status: 413,
    error: 'body too large: at most 1000 bytes',
  },
])('$given has a clear answer', async ({ body, status, error }) => {
  const { server, producer } = await startCollector({ bodyBytesMax: 1_000, eventsMax: 3 })
  const response = await fetch(`${server.url}/collect`, {
    method: 'POST',
    headers: { 'x-write-key': key },
    body,
  })
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error })
  expect(producer.sends).toEqual([])
})

test('a write key that stands in a page cannot claim a customer code unless its source allows it', async () => {
  const { post, records } = await startCollector()
  const event = { ...click, identifiers: { code: 'C-1', device: 'd' } }
  const response = await post(event)
  expect(await response.json()).toMatchObject({
    events: [{ status: 'accepted', warnings: [{ field: 'identifiers.code' }] }],
  })
  await post({ ...event, channel: 'crm' }, { 'x-write-key': 'server-write-key-1' })
  const [code, device] = [
    identifierTools.hash('code', '', 'C-1'),
    identifierTools.hash('device', '', 'd'),
  ]
  expect(records().map(({ identifiers }) => identifiers)).toEqual([[device], [code, device]])
})

test('a compressed body is refused by name', async () => {
  const { post } = await startCollector()
  const response = await post('x', { 'content-encoding': 'gzip' })
  expect(response.status).toBe(415)
})

test('an unknown or missing write key is refused', async () => {
  const { post, server, producer } = await startCollector()
  expect((await post(click, { 'x-write-key': `${key}x` })).status).toBe(401)
  expect((await post(click, { 'x-write-key': '' })).status).toBe(401)
  const bare = await fetch(`${server.url}/collect`, { method: 'POST', body: JSON.stringify(click) })
  expect(bare.status).toBe(401)
  expect(producer.sends).toEqual([])
})

test('every key of a source is valid, and names it', async () => {
  const { post, records } = await startCollector()
  expect((await post(click, { 'x-write-key': 'web-write-key-0002' })).status).toBe(200)
  const server = { ...click, channel: 'crm.call' }
  expect((await post(server, { 'x-write-key': 'server-write-key-1' })).status).toBe(200)
  expect(records().map(({ source }) => source)).toEqual(['web', 'server'])
})

test.each(['refuse', 'hold'] as const)(
  'while Kafka is away (%s) and the spool is full a client is told to try again, and readiness names both',
  async (mode) => {
    const { post, pixel, producer, health } = await startCollector()
    producer.mode = mode
    const response = await post(click)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect((await pixel(`write_key=${key}`)).status).toBe(503)
    expect(health.faults()).toEqual(['spool: spool: full'])
    expect(health.degradations()).toEqual([expect.stringMatching(/^kafka: /)])
    producer.mode = 'acknowledge'
    expect((await post(click)).status).toBe(200)
    expect([...health.faults(), ...health.degradations()]).toEqual([])
  },
)

test('the pixel is always a picture, and its status is the truth', async () => {
  const { pixel, records } = await startCollector()
  const cases = [
    await pixel(`write_key=${key}&type=impression&channel=poster&id=p-1&phone=13812345678`),
    await pixel(`write_key=${key}&type=nonsense`),
    await pixel('write_key=wrong'),
    await pixel(`write_key=${key}`, { origin: 'https://evil.example' }),
  ]
  expect(cases.map(({ status }) => status)).toEqual([200, 400, 401, 403])
  for (const response of cases) {
    const picture = Buffer.from(await response.arrayBuffer())
    expect(picture.subarray(0, 6).toString()).toBe('GIF89a')
    expect(picture).toHaveLength(43)
    expect(response.headers.get('content-type')).toBe('image/gif')
    expect(response.headers.get('cache-control')).toContain('no-store')
  }
  expect(cases[1]?.headers.get('x-tributary-error')).toMatch(/^type must be one of/)
  expect(cases[2]?.headers.get('x-tributary-error')).toBe('unknown write key')
  expect(records()).toMatchObject([{ id: 'p-1', channel: 'poster', type: 'impression', at: now }])
})

test('a warning of the pixel stands in a header', async () => {
  const { pixel } = await startCollector()
  const response = await pixel(`write_key=${key}&straemer=x&${encodeURIComponent('坏\r\n')}=1`)
  expect(response.status).toBe(200)
  expect(response.headers.get('x-tributary-warning')).toBe(
    'straemer unknown field, ignored; (unreadable name) unknown field, ignored',
  )
})

test('no raw identifier is logged, sent to Kafka or echoed', async () => {
  const { post, producer, logged } = await startCollector()
  const secrets = ['13812345678', 'union-secret', 'oSECRET', 'dev-secret', '1381234x678']
  const response = await post([
    {
      ...click,
      identifiers: {
        phone: secrets[0],
        unionid: secrets[1],
        openid: { app: 'wx1', id: secrets[2] },
        device: secrets[3],
      },
      page: `https://shop.example/a?phone=${secrets[0] ?? ''}`,
    },
    { ...click, identifiers: { phone: secrets[4] } },
  ])
  expect(response.status).toBe(207)
  const seen = [
    await response.text(),
    logged(),
    ...producer.sends.flat().map(({ key: k, value }) => `${String(k)}${String(value)}`),
  ].join()
  for (const secret of secrets) expect(seen).not.toContain(secret)
})

test('other paths and methods have clear answers that show nothing of the server', async () => {
  const { server } = await startCollector()
  const get = await fetch(`${server.url}/collect`)
  expect(get.status).toBe(405)
  expect(get.headers.get('allow')).toBe('POST, OPTIONS')
  const lost = await fetch(`${server.url}/nowhere`)
  expect(lost.status).toBe(404)
  expect(await lost.json()).toEqual({ error: 'nothing here' })
  expect(lost.headers.get('x-powered-by')).toBeNull()
  expect(lost.headers.get('x-content-type-options')).toBe('nosniff')
  expect((await fetch(`${server.url}/robots.txt`)).status).toBe(200)
})

test('a stopping collector answers the running request, hangs up and is gone', async () => {
  const { server, producer } = await startCollector()
  producer.mode = 'hold'
  const agent = new Agent({ keepAlive: true })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'x-write-key': key }
    const options = { port: server.port, path: '/collect', method: 'POST', agent, headers }
    const request = httpRequest(options, (response) => {
      response.resume()
      resolve(response)
    })
    request.once('error', reject)
    request.end(JSON.stringify(click))
  })
  while (producer.sends.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = new Promise((resolve) => server.server.close(resolve))
  producer.release()
  const { statusCode, headers } = await answered
  expect({ statusCode, connection: headers.connection }).toEqual({
    statusCode: 200,
    connection: 'close',
  })
  await closed
  agent.destroy()
})

test('requests and events are counted by outcome', async () => {
  const { post, metrics } = await startCollector()
  await post([click, { type: 'x' }])
  const text = await metrics.registry.metrics()
  expect(text).toContain('attribution_bench_requests_total{route="/collect",status="207"} 1')
  expect(text).toContain(
    'attribution_bench_records_total{stage="collect",outcome="rejected",reason="type"} 1',
  )
  expect(text).toContain(
    'attribution_bench_records_total{stage="collect",outcome="accepted",reason=""} 1',
  )
})

test.each([
  [[], /at least|small|>=1/i],
  [[{ name: 'a', keys: ['short'] }], />=16/],
  [[{ name: 'a', keys: [key], allowed_origins: ['https://x.example/'] }], /origin/],
  [
    [
      { name: 'a', keys: [key] },
      { name: 'b', keys: [key] },
    ],
    /one source only/,
  ],
  [
    [
      { name: 'a', keys: [key] },
      { name: 'a', keys: [`${key}x`] },
    ],
    /names must differ/,
  ],
  [[{ name: 'a', keys: [key], origins: [] }], /origins/],
])('sources %j are refused at start', (given, words) => {
  const { success, error } = collectorSources.safeParse(given)
  expect(success).toBe(false)
  expect(error?.issues.map(({ message }) => message).join()).toMatch(words)
  expect(JSON.stringify(error?.issues)).not.toContain(key)
})

test('a source that sends too much hears 429 and when to come again, and no other source does', async () => {
  const { post, pixel, clock, metrics } = await startCollector({}, { RECORDS_PER_SECOND_MAX: 2 })
  const events = Array.from({ length: 20 }, (_, at) => ({ ...click, id: `e-${at}` }))
  expect((await post(events)).status).toBe(200)
  const refused = await post(click, { origin: page })
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(refused.headers.get('access-control-allow-origin')).toBe(page)
  const picture = await pixel(`write_key=${key}`)
  expect([picture.status, picture.headers.get('retry-after')]).toEqual([429, '1'])
  expect(
    (await post({ ...click, channel: 'c' }, { 'x-write-key': 'open-write-key-001' })).status,
  ).toBe(200)
  clock.now += 500
  expect((await post(click)).status).toBe(200)
  expect(await metrics.registry.metrics()).toContain(
    'attribution_bench_rate_limited_total{limit="source",source="web"} 2',
  )
})

test('one visitor cannot use up a key that stands in a page', async () => {
  const { post, clock } = await startCollector()
  const from = (address: string) =>
    post([click, click], { 'x-write-key': 'page-write-key-001', 'x-forwarded-for': address })
  expect((await from('198.51.100.1')).status).toBe(200)
  expect((await from('198.51.100.1')).status).toBe(429)
  expect((await from('198.51.100.2')).status).toBe(200)
  clock.now += 10_000
  expect((await from('198.51.100.1')).status).toBe(200)
})

test('a right key in a body is never mistaken for the guesses of others at its address', async () => {
  const { server, post, metrics } = await startCollector({}, { FAILURES_PER_MINUTE_MAX: 3 })
  for (let at = 0; at < 5; at += 1) await post(click, { 'x-write-key': `guess-${at}` })
  const inBody = async (write_key: string, padding = 0): Promise<number> => {
    const body = JSON.stringify({ events: [click], write_key, padding: ' '.repeat(padding) })
    return (await fetch(`${server.url}/collect`, { method: 'POST', body })).status
  }
  expect(await inBody(key)).toBe(200)
  expect(await inBody('guess-6')).toBe(429)
  expect(await inBody(key, 60_000)).toBe(200)
  expect(await inBody(key, 70_000)).toBe(429)
  expect(await inBody('guess-7', 70_000)).toBe(429)
  const text = await metrics.registry.metrics()
  expect(text).toContain('attribution_bench_rate_limited_total{limit="failures",source=""} 5')
})

test('an address that guesses keys hears 429, and a right key is never mistaken for a guess', async () => {
  const { post, pixel, metrics, clock } = await startCollector({}, { FAILURES_PER_MINUTE_MAX: 3 })
  const guess = (text: string) => post(click, { 'x-write-key': text })
  const statuses = []
  for (let at = 0; at < 5; at += 1) statuses.push((await guess(`guess-${at}`)).status)
  expect(statuses).toEqual([401, 401, 401, 429, 429])
  expect((await pixel('write_key=guess')).status).toBe(429)
  expect((await post('{', { 'x-write-key': '' })).status).toBe(429)
  expect((await post(click)).status).toBe(200)
  clock.now += 20_000
  expect((await guess('guess-6')).status).toBe(401)
  const text = await metrics.registry.metrics()
  expect(text).toContain('attribution_bench_rate_limited_total{limit="failures",source=""} 4')
  expect(text).not.toContain('guess')
})

test('a wrong key is refused before the body is read', async () => {
  const { server } = await startCollector()
  const status = await new Promise((resolve, reject) => {
    const headers = { 'x-write-key': 'wrong', 'content-length': '100' }
    httpRequest({ port: server.port, path: '/collect', method: 'POST', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .flushHeaders()
  })
  expect(status).toBe(401)
})
