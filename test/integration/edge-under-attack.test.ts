// The edges as processes of their own, held to their bounds by clients that are many, slow and greedy at once.
import { connect, type Socket } from 'node:net'
import { topics } from '../../services/core/topics'
import { signatureOf } from '../../services/order-gateway/signature'
import { TestBroker } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

const writeKey = 'landing-write-key'
const secret = 'a-secret-of-16-chars'
const hashKey = Buffer.alloc(32, 7).toString('base64')
const sealKey = Buffer.alloc(32, 8).toString('base64')
const [phone, device] = ['13812345678', 'raw-device-77']
const mebibyte = 1024 * 1024

const settings = {
  collector: {
    ...{ PORT: '0', IDENTIFIER_HASH_KEY: hashKey, REQUEST_TIMEOUT_MS: '5000' },
    SOURCES: JSON.stringify([{ name: 'web', keys: [writeKey], channel: 'web.page' }]),
  },
  'order-gateway': {
    ...{ PORT: '0', IDENTIFIER_HASH_KEY: hashKey, BODIES_BYTES_MAX: String(32 * mebibyte) },
    SOURCES: JSON.stringify([
      { name: 'main', secrets: [secret], platform: 'douyin', shops: ['S1'] },
    ]),
    ...{ SEAL_KEYS: JSON.stringify({ k1: sealKey }), SEAL_KEY_ID: 'k1' },
  },
}

let broker: TestBroker
const running: ServiceProcess[] = []
const sockets = new Set<Socket>()

beforeAll(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
}, 60_000)

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  for (const service of running.splice(0)) await service.stop('SIGKILL')
})

afterAll(async () => {
  await broker.close()
})

interface Edge {
  readonly service: ServiceProcess
  readonly port: number
  /** Sum of the values of every series of a metric. */
  readonly metric: (name: string) => Promise<number>
}

async function start(name: keyof typeof settings): Promise<Edge> {
  const service = new ServiceProcess(name, { ...broker.environment(), ...settings[name] })
  running.push(service)
  await service.start()
  const metric = async (wanted: string): Promise<number> => {
    const lines = (await service.metrics()).split('\n').filter((line) => line.startsWith(wanted))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
  const port = Number(/"port":(\d+)/.exec(service.output())?.[1])
  return { service, port, metric }
}

/** A connection that says `text` and then no more. */
function open(port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1')
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.once('close', () => sockets.delete(socket))
  socket.resume()
  if (text !== '') socket.write(text)
  return socket
}

/** One event on a connection of its own, as an honest client sends it. */
function collect(port: number, id: string): Promise<number> {
  return fetch(`http://127.0.0.1:${port}/collect`, {
    method: 'POST',
    headers: { 'x-write-key': writeKey, connection: 'close' },
    body: JSON.stringify({ id, type: 'click', identifiers: { phone, device } }),
  }).then(
    async (response) => {
      await response.arrayBuffer()
      return response.status
    },
    // Reset: the client would try again.
    () => 0,
  )
}

const head = 'POST /collect HTTP/1.1\r\nhost: edge\r\n'
const slowRequests = [
  '',
  `${head}x-padding: ${'x'.repeat(12_000)}`,
  `${head}x-write-key: ${writeKey}\r\ncontent-length: 60000\r\n\r\n${'['.repeat(20_000)}`,
  'GET /nowhere HTTP/1.1\r\nhost: edge\r\n\r\n',
]

test('twelve thousand slow connections keep nobody out and take no more memory than their bounds', async () => {
  const { service, port, metric } = await start('collector')
  expect(await collect(port, 'before')).toBe(200)
  const before = await metric('process_resident_memory_bytes')
  const taken: string[] = []
  let attempts = 0
  for (let count = 0; count < 12_000; count += 1) {
    open(port, slowRequests[count % slowRequests.length] ?? '')
    if (count % 100 !== 0) continue
    // Dribbled on: time alone does not make them honest.
    for (const socket of [...sockets].slice(-50)) if (socket.writable) socket.write('x')
    attempts += 1
    if ((await collect(port, `honest-${count}`)) === 200) taken.push(`honest-${count}`)
  }
  const peak = await metric('process_resident_memory_bytes')
  expect(taken).toHaveLength(attempts)
  expect(await metric('attribution_collector_open_connections')).toBeLessThanOrEqual(10_000)
  expect(peak - before).toBeLessThan(500 * mebibyte)
  // Those that are slow are cut off in the end, those that are idle may stay.
  await until(async () => (await metric('attribution_collector_body_bytes')) === 0)
  expect(await metric('attribution_collector_turned_away_total')).toBeGreaterThan(1_000)
  expect(await collect(port, 'after')).toBe(200)
  const { records } = await broker.watch(topics.touchpoints)
  await until(() => records.some(({ value }) => value.id === 'after'))
  const kept = new Set(records.map(({ value }) => value.id))
  expect(taken.filter((id) => !kept.has(id))).toEqual([])
  for (const word of [phone, device, writeKey, hashKey]) {
    expect(service.output()).not.toContain(word)
  }
  process.stdout.write(
    `memory ${(before / mebibyte).toFixed(0)} MiB before, ${(peak / mebibyte).toFixed(0)} at the peak\n`,
  )
}, 180_000)

test('bodies that never end share the bound of all bodies, and a signed order finds room', async () => {
  const { service, port, metric } = await start('order-gateway')
  const before = await metric('process_resident_memory_bytes')
  const begun = `POST /orders/main HTTP/1.1\r\nhost: edge\r\ncontent-length: 1048576\r\n\r\n`
  const part = 'x'.repeat(1_000_000)
  for (let count = 0; count < 200; count += 1) open(port, begun + part)
  await until(async () => (await metric('attribution_order_gateway_turned_away_total')) >= 150)
  expect(await metric('attribution_order_gateway_body_bytes')).toBeLessThanOrEqual(32 * mebibyte)
  const now = Date.now()
  const body = JSON.stringify({
    ...{ order_id: '7001', status: 'created', currency: 'CNY', paid_minor: 1 },
    ...{ created_at: now - 2_000, updated_at: now - 1_000, buyer: { phone } },
    lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 1 }],
  })
  const at = Math.floor(now / 1_000)
  const signature = signatureOf(secret, at, Buffer.from(body)).toString('hex')
  const response = await fetch(`http://127.0.0.1:${port}/orders/main`, {
    method: 'POST',
    headers: { 'x-tributary-signature': `t=${at},v1=${signature}` },
    body,
  })
  expect(await response.json()).toMatchObject({ accepted: 1 })
  const after = await metric('process_resident_memory_bytes')
  expect(after - before).toBeLessThan(200 * mebibyte)
  for (const word of [phone, secret, sealKey, hashKey]) {
    expect(service.output()).not.toContain(word)
  }
}, 60_000)
