// The promise of a 2xx while Kafka is away, on a stack of its own whose broker and registry are killed.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { topics, type Topic, type ValueOf } from '../../services/core/topics'
import { signatureOf } from '../../services/order-gateway/signature'
import type { RecordCodec } from '../../services/runtime/codec'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { TestBroker } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { until } from '../support/until'

const hashKey = Buffer.alloc(32, 7)
const writeKey = 'landing-write-key'
const secret = 'a-secret-of-16-chars'
const phone = '13812345678'

let directory: string
let stack: RunningStack
let broker: TestBroker
const running: ServiceProcess[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-edge-spool-'))
  const parts = ['kafka', 'registry'] as const
  stack = await startStack({ dataDirectory: join(directory, 'stack'), ports: 'free', parts })
  broker = await new TestBroker(stack).open()
  // Its connections would only break with the broker.
  await broker.close()
}, 180_000)

afterEach(async () => {
  for (const service of running.splice(0)) await service.stop('SIGKILL')
})

afterAll(async () => {
  await stack.stop()
  rmSync(directory, { recursive: true, force: true })
})

interface Edge {
  readonly process: ServiceProcess
  readonly spool: string
}

function edge(name: 'collector' | 'order-gateway', given: Record<string, string> = {}): Edge {
  const spool = join(directory, `spool-${running.length}-${Date.now()}`)
  const sources = {
    collector: [{ name: 'web', keys: [writeKey], channel: 'web.page' }],
    'order-gateway': [{ name: 'main', secrets: [secret], platform: 'douyin', shops: ['S1'] }],
  }
  const process = new ServiceProcess(name, {
    ...broker.environment(),
    PORT: '0',
    IDENTIFIER_HASH_KEY: hashKey.toString('base64'),
    SEAL_KEYS: JSON.stringify({ k1: Buffer.alloc(32, 8).toString('base64') }),
    SEAL_KEY_ID: 'k1',
    PRODUCE_TIMEOUT_MS: '1000',
    SPOOL_DIRECTORY: spool,
    SOURCES: JSON.stringify(sources[name]),
    ...given,
  })
  running.push(process)
  return { process, spool }
}

function urlOf({ process }: Edge, path: string): string {
  return `http://127.0.0.1:${/"port":(\d+)/.exec(process.output())?.[1] ?? ''}${path}`
}

function collect(collector: Edge, id: string): Promise<Response> {
  return fetch(urlOf(collector, '/collect'), {
    method: 'POST',
    headers: { 'x-write-key': writeKey },
    body: JSON.stringify({
      id,
      type: 'click',
      identifiers: { phone, device: 'dev-9' },
    }),
  })
}

function order(gateway: Edge, id: string): Promise<Response> {
  const now = Date.now()
  const body = JSON.stringify({
    order_id: id,
    status: 'paid',
    currency: 'CNY',
    created_at: now - 2_000,
    paid_at: now - 1_000,
    updated_at: now - 1_000,
    paid_minor: 9_900,
    lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 9_900 }],
    buyer: { name: '张三', phone },
    receiver: { name: '李四', phone, address: { city: '杭州', street: '文三路' } },
  })
  const at = Math.floor(now / 1000)
  const signature = signatureOf(secret, at, Buffer.from(body)).toString('hex')
  return fetch(urlOf(gateway, '/orders/main'), {
    method: 'POST',
    headers: { 'x-tributary-signature': `t=${at},v1=${signature}` },
    body,
  })
}

/** Sends one after the other; every one has to be taken. */
async function takeAll(ids: readonly string[], send: (id: string) => Promise<Response>) {
  for (const id of ids) expect([id, (await send(id)).status]).toEqual([id, 200])
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
}

/** What a topic holds, each partition in its order. */
async function read<T extends Topic>(topic: T): Promise<ValueOf<T>[]> {
  const codec: RecordCodec<ValueOf<T>> = await broker.registry.topicCodec(topic)
  const reader = await broker.kafka.connectReader()
  const bytes: (Buffer | null)[] = []
  for (let partition = 0; partition < broker.partitions; partition += 1) {
    await reader.read({ topic: broker.prefix + topic.name, partition, from: 0 }, (records) => {
      bytes.push(...records.map(({ value }) => value))
    })
  }
  await reader.close()
  await codec.learn(bytes)
  return bytes.map((value) => codec.decode(value) as ValueOf<T>)
}

async function readIds(): Promise<string[]> {
  return (await read(topics.touchpoints)).map(({ id }) => id)
}

/** Everything in the files below a directory. */
function bytesBelow(path: string): string {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('')
}

async function metric({ process }: Edge, name: string): Promise<number> {
  return Number(
    new RegExp(`^attribution_\\w+_${name} (.*)$`, 'm').exec(await process.metrics())?.[1],
  )
}

test('what the edges take while Kafka and the registry are away, killed and started again meanwhile, arrives once and in order', async () => {
  const collector = edge('collector')
  const gateway = edge('order-gateway')
  await Promise.all([collector.process.start(), gateway.process.start()])
  const before = names('before', 3)
  const first = names('first', 30)
  const second = names('second', 30)
  await takeAll(before, (id) => collect(collector, id))
  await takeAll(['100'], (id) => order(gateway, id))

  await Promise.all([stack.killPart('kafka'), stack.killPart('registry')])
  await takeAll(first, (id) => collect(collector, id))
  await takeAll(['101', '102'], (id) => order(gateway, id))
  expect(await collector.process.isReady()).toBe(true)
  expect(await metric(collector, 'spool_records')).toBe(30)

  await collector.process.stop('SIGKILL')
  await gateway.process.stop('SIGKILL')
  await Promise.all([collector.process.start(), gateway.process.start()])
  expect(await metric(collector, 'spool_records')).toBe(30)
  await takeAll(second, (id) => collect(collector, id))
  await takeAll(['103'], (id) => order(gateway, id))

  const spooled = bytesBelow(collector.spool) + bytesBelow(gateway.spool)
  expect(spooled).toContain(createIdentifierHash(hashKey)('phone', '', `+86${phone}`))
  expect(spooled).toContain('first-0')
  const raw = [phone, 'dev-9', '张三', '李四', '杭州', '文三路']
  const latin = raw.map((text) => Buffer.from(text).toString('latin1'))
  expect(latin.filter((text) => spooled.includes(text))).toEqual([])

  await Promise.all([stack.startPart('kafka'), stack.startPart('registry')])
  await until(async () => (await metric(collector, 'spool_records')) === 0)
  await until(async () => (await metric(gateway, 'spool_records')) === 0)
  await takeAll(['after'], (id) => collect(collector, id))
  // All name the same phone, so they share a partition and its order.
  expect(await readIds()).toEqual([...before, ...first, ...second, 'after'])
  const orders = await read(topics.orders)
  expect(orders.map(({ order_key }) => order_key).sort()).toEqual(
    ['100', '101', '102', '103'].map((id) => `douyin:S1:${id}`),
  )
  expect(readdirSync(join(collector.spool, `${broker.prefix}touchpoints`)).join()).not.toContain(
    '.spool',
  )
})

test('a collector killed in mid-load, Kafka killed before it, has in Kafka in the end every event it said 200 to', async () => {
  const collector = edge('collector')
  await collector.process.start()
  const taken: string[] = []
  const refused: string[] = []
  let isOver = false
  const client = async (name: number): Promise<void> => {
    for (let count = 0; !isOver; count += 1) {
      const id = `load-${name}-${count}`
      // Cut off while the collector is killed: no answer, no promise.
      const status = await collect(collector, id).then(
        (response) => response.status,
        () => 0,
      )
      if (status === 200) taken.push(id)
      else if (status !== 0) refused.push(`${id}: ${status}`)
    }
  }
  const clients = names('client', 16).map((_, name) => client(name))
  await until(() => taken.length > 200)
  await stack.killPart('kafka')
  const atKill = taken.length
  await until(() => taken.length > atKill + 1_000)
  await collector.process.stop('SIGKILL')
  isOver = true
  await Promise.all(clients)
  expect(refused).toEqual([])
  await stack.startPart('kafka')
  await collector.process.start()
  await until(async () => (await metric(collector, 'spool_records')) === 0)
  const arrived = new Set(await readIds())
  expect(taken.filter((id) => !arrived.has(id))).toEqual([])
})

test('a full spool is answered 503 with Retry-After and said by readiness, until Kafka is back', async () => {
  const collector = edge('collector', { SPOOL_BYTES_MAX: '65536' })
  await collector.process.start()
  await stack.killPart('kafka')
  const taken: string[] = []
  const refusal = await until(async () => {
    const id = `full-${taken.length}`
    const response = await collect(collector, id)
    if (response.status === 200) taken.push(id)
    return response.status === 200 ? undefined : response
  })
  expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await collector.process.isReady()).toBe(false)
  expect(taken.length).toBeGreaterThan(20)
  await stack.startPart('kafka')
  await until(() => collector.process.isReady())
  await takeAll(['after-full'], (id) => collect(collector, id))
  await until(async () => (await metric(collector, 'spool_records')) === 0)
  const arrived = new Set(await readIds())
  expect([...taken, 'after-full'].filter((id) => !arrived.has(id))).toEqual([])
})

test('a collector told to stop while Kafka is away stops in order, and what it took is not lost', async () => {
  const collector = edge('collector')
  await collector.process.start()
  await stack.killPart('kafka')
  await takeAll(names('stopped', 5), (id) => collect(collector, id))
  expect(await collector.process.stop('SIGTERM')).toBe(0)
  await stack.startPart('kafka')
  await collector.process.start()
  await until(async () => (await metric(collector, 'spool_records')) === 0)
  expect((await readIds()).filter((id) => id.startsWith('stopped-'))).toEqual(names('stopped', 5))
})
