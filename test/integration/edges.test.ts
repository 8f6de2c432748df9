// The edges as processes of their own, in front of the real Kafka and the real registry.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitionOf } from '../../services/core/partition'
import { topics } from '../../services/core/topics'
import { signatureOf } from '../../services/order-gateway/signature'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { projectDirectory } from '../../services/runtime/schemas'
import { openSealed } from '../../services/runtime/seal'
import { TestBroker } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

const hashKey = Buffer.alloc(32, 7)
const sealKey = Buffer.alloc(32, 8)
const writeKey = 'landing-write-key'
const secret = 'a-secret-of-16-chars'

const settings = {
  PORT: '0',
  IDENTIFIER_HASH_KEY: hashKey.toString('base64'),
}
const collectorSettings = {
  ...settings,
  SOURCES: JSON.stringify([{ name: 'web', keys: [writeKey], channel: 'web.page' }]),
}
const gatewaySettings = {
  ...settings,
  SOURCES: JSON.stringify([{ name: 'main', secrets: [secret], platform: 'douyin', shops: ['S1'] }]),
  SEAL_KEYS: JSON.stringify({ k1: sealKey.toString('base64') }),
  SEAL_KEY_ID: 'k1',
}

let broker: TestBroker
const running: ServiceProcess[] = []

beforeAll(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
}, 60_000)

afterEach(async () => {
  for (const service of running.splice(0)) await service.stop('SIGKILL')
})

afterAll(async () => {
  await broker.close()
})

async function start(name: 'collector' | 'order-gateway'): Promise<ServiceProcess> {
  const own = name === 'collector' ? collectorSettings : gatewaySettings
  const service = new ServiceProcess(name, { ...broker.environment(), ...own })
  running.push(service)
  await service.start()
  return service
}

function urlOf(service: ServiceProcess, path: string): string {
  return `http://127.0.0.1:${/"port":(\d+)/.exec(service.output())?.[1] ?? ''}${path}`
}

function collect(collector: ServiceProcess, body: unknown): Promise<Response> {
  return fetch(urlOf(collector, '/collect'), {
    method: 'POST',
    headers: { 'x-write-key': writeKey },
    body: JSON.stringify(body),
  })
}

/** A start that is expected to fail: its exit code and what it printed. */
function tryToStart(name: string, own: Readonly<Record<string, string>>) {
  const main = join(projectDirectory(), 'dist', 'services', name, 'main.js')
  const SPOOL_DIRECTORY = mkdtempSync(join(tmpdir(), 'tributary-edges-'))
  const ours = { OPERATIONS_PORT: '0', SPOOL_DIRECTORY }
  const env = { ...process.env, ...broker.environment(), ...ours, ...own }
  const { status, stdout } = spawnSync(process.execPath, [main], { env, encoding: 'utf8' })
  rmSync(SPOOL_DIRECTORY, { recursive: true })
  const lines = stdout.split('\n').filter((line) => line.includes('"level":"fatal"'))
  return { status, stdout, fatal: lines.map((line) => (JSON.parse(line) as { msg: string }).msg) }
}

test('an event is found where the stream processor looks for it, and nobody in it', async () => {
  const collector = await start('collector')
  const event = { id: 'e-1', type: 'click', identifiers: { phone: '13812345678', device: 'dev-9' } }
  const response = await collect(collector, event)
  expect(response.status).toBe(200)
  const { records } = await broker.watch(topics.touchpoints)
  await until(() => records.length > 0)
  const hash = createIdentifierHash(hashKey)
  const identifiers = [hash('phone', '', '+8613812345678'), hash('device', '', 'dev-9')]
  expect(records).toMatchObject([
    {
      record: { partition: partitionOf(Buffer.from(identifiers[0] ?? ''), broker.partitions) },
      value: { source: 'web', id: 'e-1', channel: 'web.page', identifiers },
    },
  ])
  const bytes = records.map(({ record: { key, value } }) => `${String(key)}${String(value)}`).join()
  expect(bytes).not.toMatch(/13812345678|dev-9/)
}, 60_000)

test('a signed order is found once under its order key, its buyer sealed', async () => {
  const gateway = await start('order-gateway')
  const now = Date.now()
  const body = JSON.stringify({
    order_id: '5001',
    status: 'paid',
    currency: 'CNY',
    created_at: now - 2_000,
    paid_at: now - 1_000,
    updated_at: now - 1_000,
    paid_minor: 9_900,
    lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 9_900 }],
    buyer: { name: '张三', phone: '13812345678' },
  })
  const at = Math.floor(now / 1000)
  const signature = signatureOf(secret, at, Buffer.from(body)).toString('hex')
  const post = () =>
    fetch(urlOf(gateway, '/orders/main'), {
      method: 'POST',
      headers: { 'x-tributary-signature': `t=${at},v1=${signature}` },
      body,
    })
  expect((await post()).status).toBe(200)
  expect(await (await post()).json()).toMatchObject({ duplicate: true })
  const { records } = await broker.watch(topics.orders)
  await until(() => records.length > 0)
  expect(records).toMatchObject([
    {
      record: { partition: partitionOf(Buffer.from('douyin:S1:5001'), broker.partitions) },
      value: { order_key: 'douyin:S1:5001', paid_minor: 9_900, sealed_buyer: { key_id: 'k1' } },
    },
  ])
  const sealed = records[0]?.value.sealed_buyer
  if (!sealed) throw new Error('nothing sealed')
  const opened = openSealed(new Map([['k1', sealKey]]), sealed, 'douyin:S1:5001')
  expect(JSON.parse(typeof opened === 'string' ? opened : '')).toMatchObject({
    name: '张三',
    phone: '13812345678',
  })
  expect(String(records[0]?.record.value)).not.toMatch(/张三|13812345678/)
}, 60_000)

test('a collector told to stop in mid-load has in Kafka every event it said 200 to', async () => {
  const collector = await start('collector')
  const taken: string[] = []
  let refused = false
  const client = async (name: number): Promise<void> => {
    for (let count = 0; !refused; count += 1) {
      const id = `load-${name}-${count}`
      // Reset while the collector stops: no 200, no promise.
      const status = await collect(collector, { id, type: 'click' }).then(
        (response) => response.status,
        () => 0,
      )
      if (status === 200) taken.push(id)
      else refused = true
    }
  }
  const clients = Array.from({ length: 16 }, (_, name) => client(name))
  await until(() => taken.length > 500)
  expect(await collector.stop('SIGTERM')).toBe(0)
  await Promise.all(clients)
  const { records } = await broker.watch(topics.touchpoints)
  const missing = (): string[] => {
    const kept = new Set(records.map(({ value }) => value.id))
    return taken.filter((id) => !kept.has(id))
  }
  await until(
    () => missing().length === 0,
    () => `${missing().length} taken events to be in Kafka`,
  )
}, 60_000)

test('an edge without its topic says so in one line and ends', () => {
  const { status, fatal } = tryToStart('collector', {
    ...collectorSettings,
    TOPIC_PREFIX: `${broker.prefix}nowhere-`,
  })
  expect(status).toBe(1)
  expect(fatal).toEqual([expect.stringContaining('npm run provision')])
}, 60_000)

test('every fault of the settings is told at once, secrets never', () => {
  const { status, fatal, stdout } = tryToStart('order-gateway', {
    PORT: '0',
    IDENTIFIER_HASH_KEY: 'dG9vIHNob3J0',
    SOURCES: `[{"name":"main","secrets":["${secret}"],"platform":"phone","shops":["S1"]}]`,
    SEAL_KEYS: '{"k1": "dG9vIHNob3J0"',
  })
  expect(status).toBe(1)
  expect(fatal).toEqual([
    expect.stringMatching(
      /IDENTIFIER_HASH_KEY: .*32 bytes.*SOURCES\.0\.platform: is a reserved word.*SEAL_KEYS: must be JSON.*SEAL_KEY_ID: missing/,
    ),
  ])
  expect(stdout).not.toMatch(/dG9vIHNob3J0|a-secret-of/)
}, 60_000)
