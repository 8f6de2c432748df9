// Each test is one promise of the stream processor, on the real broker and registry.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { touchpointKey } from '../../services/core/identity/node'
import type { AttributedOrder, Identity, Order, Touchpoint } from '../../services/core/records'
import { deadLetterHeaders, topics } from '../../services/core/topics'
import { topology } from '../../services/core/topology'
import { parseSettings, readSettings } from '../../services/stream-processor/settings'
import { anOrder, aTouchpoint, evening, minuteMs } from '../given'
import { TestBroker, type Watched } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { TopologyDriver } from '../support/topology-driver'
import { until } from '../support/until'

const settings = readSettings(join(__dirname, '../../services/stream-processor/attribution.json'))

let broker: TestBroker
let stateDirectory: string
const running: ServiceProcess[] = []

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  stateDirectory = mkdtempSync(join(tmpdir(), 'tributary-state-'))
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()))
  await broker.close()
  rmSync(stateDirectory, { recursive: true, force: true })
})

function processor(name = 'a'): ServiceProcess {
  const service = new ServiceProcess('stream-processor', {
    ...broker.environment(),
    SESSION_TIMEOUT_MS: '2000',
    STATE_DIRECTORY: join(stateDirectory, name),
  })
  running.push(service)
  return service
}

interface Evening {
  readonly touchpoints: readonly Touchpoint[]
  readonly orders: readonly Order[]
}

/** Persons whose visitor, openid and phone come together bit by bit, with an order and a refund for some. */
function persons(from: number, to: number): Evening {
  const touchpoints: Touchpoint[] = []
  const orders: Order[] = []
  for (let person = from; person < to; person += 1) {
    const ids = [`visitor:v${person}`, `openid:wx:o${person}`, `phone:p${person}`]
    const sets = [[ids[0]], [ids[0], ids[1]], [ids[1]], [ids[1], ids[2]]]
    sets.forEach((set, at) => {
      touchpoints.push(
        aTouchpoint({
          id: `t${person}-${at}`,
          identifiers: set.flatMap((id) => id ?? []),
          channel: `channel-${(person + at) % 5}`,
          at: evening - (at + 1) * 40 * minuteMs,
        }),
      )
    })
    if (person % 3 === 0) {
      const order = anOrder({
        order_id: `o${person}`,
        identifiers: [`phone:p${person}`],
        accepted_at: evening,
      })
      orders.push(order, {
        ...order,
        refunded_minor: 1_000 + person,
        updated_at: evening + minuteMs,
      })
    }
  }
  return { touchpoints, orders }
}

async function send({ touchpoints, orders }: Evening): Promise<void> {
  await broker.write(
    topics.touchpoints,
    touchpoints.map((value) => [touchpointKey(value), value] as const),
  )
  await broker.write(
    topics.orders,
    orders.map((value) => [value.order_key, value] as const),
  )
}

/** The same inputs through the same topology in memory: what the outside must see in the end. */
function expected(inputs: readonly Evening[]): TopologyDriver {
  const driver = new TopologyDriver(Object.values(topology(parseSettings(settings.text))))
  for (const { touchpoints, orders } of inputs) {
    for (const value of touchpoints) driver.pipe(topics.touchpoints, touchpointKey(value), value)
    for (const value of orders) driver.pipe(topics.orders, value.order_key, value)
  }
  return driver.run()
}

function content({ version, cause, replaces, replaces_order, ...rest }: AttributedOrder): unknown {
  return { ...rest, run: [typeof version, typeof cause, typeof replaces, typeof replaces_order] }
}

function newest<Value extends { version: number }>(watched: Watched<Value>): Map<string, Value> {
  const found = new Map<string, Value>()
  for (const { record, value } of watched.records) {
    const known = found.get(String(record.key))
    if (known === undefined || value.version > known.version) found.set(String(record.key), value)
  }
  return found
}

interface Outputs {
  readonly orders: Watched<AttributedOrder>
  readonly identities: Watched<Identity>
}

async function watchOutputs(): Promise<Outputs> {
  return {
    orders: await broker.watch(topics.attributedOrders),
    identities: await broker.watch(topics.identities),
  }
}

async function expectOutputs(
  { orders, identities }: Outputs,
  inputs: readonly Evening[],
): Promise<void> {
  const want = expected(inputs)
  const sorted = (entries: Iterable<readonly [string, unknown]>): string =>
    JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
  const wantOrders = sorted(
    [...want.latest(topics.attributedOrders)].map(([key, order]) => [key, content(order)]),
  )
  const wantPersons = sorted(
    [...want.latest(topics.identities)].map(([key, { person }]) => [key, person]),
  )
  await until(
    () => sorted([...newest(orders)].map(([key, order]) => [key, content(order)])) === wantOrders,
    () => `orders ${newest(orders).size} of ${want.latest(topics.attributedOrders).size}`,
  )
  await until(
    () => sorted([...newest(identities)].map(([key, { person }]) => [key, person])) === wantPersons,
  )
  expectUnbrokenChains(orders)
}

/** Every version replaces exactly the credits of the one before: the roll-ups' sums are right. */
function expectUnbrokenChains(orders: Watched<AttributedOrder>): void {
  const versions = new Map<string, AttributedOrder[]>()
  for (const { value } of orders.records) {
    const known = versions.get(value.order.order_key) ?? []
    known.push(value)
    versions.set(value.order.order_key, known)
  }
  for (const chain of versions.values()) {
    const sorted = [...chain].sort((a, b) => a.version - b.version)
    expect(sorted.map(({ version }) => version)).toEqual(sorted.map((_, at) => at + 1))
    sorted.forEach((one, at) => {
      expect(one.replaces).toEqual(sorted[at - 1]?.credits ?? [])
    })
  }
}

test('what comes out of Kafka is what the same topology says in memory', async () => {
  const inputs = persons(0, 60)
  await send(inputs)
  await processor().start()
  await expectOutputs(await watchOutputs(), [inputs])
})

test('a processor killed in the middle and started again, warm or with its disk lost, ends in the same outputs', async () => {
  const parts = [persons(0, 300), persons(300, 600), persons(150, 450), persons(600, 700)]
  const outputs = await watchOutputs()
  const service = processor()
  await service.start()
  for (const [at, part] of parts.entries()) {
    await send(part)
    const seen = outputs.identities.records.length
    await until(() => outputs.identities.records.length > seen || at === 2)
    await service.stop('SIGKILL')
    if (at === 1) rmSync(stateDirectory, { recursive: true })
    await service.start()
  }
  await expectOutputs(outputs, parts)
})

test('two processors share the partitions; when one is killed the other takes over', async () => {
  const parts = [persons(0, 200), persons(200, 400)]
  const outputs = await watchOutputs()
  const [one, other] = [processor('one'), processor('other')]
  await Promise.all([one.start(), other.start()])
  await send(persons(0, 200))
  await until(() => outputs.identities.records.length > 0)
  await one.stop('SIGKILL')
  await send(persons(200, 400))
  await expectOutputs(outputs, parts)
})

test('a record that cannot be decoded becomes a dead letter with its original bytes, and the rest goes on', async () => {
  const inputs = persons(0, 3)
  const letters = await broker.watchDeadLetters()
  const garbage = Buffer.from('not Avro at all')
  await broker.writeRaw([
    { topic: `${broker.prefix}touchpoints`, partition: 2, key: 'x', value: garbage },
    {
      topic: `${broker.prefix}touchpoints`,
      partition: 2,
      key: 'y',
      value: Buffer.from([0, 0, 0, 250, 1, 9]),
    },
  ])
  await send(inputs)
  await processor().start()
  await expectOutputs(await watchOutputs(), [inputs])
  await until(() => letters.length === 2)
  expect(letters[0]?.value).toEqual(garbage)
  expect(letters.map(({ headers }) => headers[deadLetterHeaders.reason])).toEqual([
    'undecodable',
    'unknown-schema',
  ])
  expect(letters.map(({ headers }) => headers[deadLetterHeaders.offset])).toEqual(['0', '1'])
})

test('a second process on one state directory refuses to start, and says why', async () => {
  const first = processor()
  await first.start()
  const second = processor()
  await expect(second.start()).rejects.toThrow()
  expect(second.output()).toMatch(/is in use by process .* its own STATE_DIRECTORY/)
})
