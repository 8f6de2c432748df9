// Two releases side by side on one broker: other settings, or records with one field more.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { touchpointKey } from '../../services/core/identity/node'
import type { AttributedOrder } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { projectDirectory } from '../../services/runtime/schemas'
import { anOrder, aTouchpoint, evening, hourMs } from '../given'
import { TestBroker, type Watched } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

const shipped = join(projectDirectory(), 'services', 'stream-processor', 'attribution.json')

const { epoch: shippedEpoch } = JSON.parse(readFileSync(shipped, 'utf8')) as Settings

function settledUnder(epoch: number): RegExp {
  return new RegExp(`settled_epoch\\{[^}]*stage="journey"[^}]*\\} ${String(epoch)}`)
}

let broker: TestBroker
let scratch: string
const running: ServiceProcess[] = []

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  scratch = mkdtempSync(join(tmpdir(), 'tributary-upgrade-'))
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop('SIGKILL')))
  await broker.close()
  rmSync(scratch, { recursive: true, force: true })
})

interface Settings {
  epoch: number
  attribution: { models: { name: string; kind: string }[] }[]
}

/** The shipped settings, changed. @returns the path of a file */
function settingsFile(name: string, change: (settings: Settings) => void): string {
  const settings = JSON.parse(readFileSync(shipped, 'utf8')) as Settings
  change(settings)
  const path = join(scratch, `${name}.json`)
  writeFileSync(path, JSON.stringify(settings))
  return path
}

function processor(name: string, own: Record<string, string> = {}, directory?: string) {
  const environment = {
    ...broker.environment(),
    SESSION_TIMEOUT_MS: '2000',
    WALK_INTERVAL_MS: '50',
    STATE_DIRECTORY: join(scratch, `state-${name}`),
    ...own,
  }
  const service = new ServiceProcess('stream-processor', environment, directory)
  running.push(service)
  return service
}

/** Some persons, each with two touches and an order. */
async function send(from: number, to: number): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, at) => from + at)
  const touchpoints = numbers.flatMap((number) =>
    ['a', 'b'].map((channel, at) =>
      aTouchpoint({
        id: `t${number}${channel}`,
        channel,
        identifiers: [`phone:p${number}`],
        at: evening - (2 - at) * hourMs,
      }),
    ),
  )
  await broker.write(
    topics.touchpoints,
    touchpoints.map((value) => [touchpointKey(value), value] as const),
  )
  const orders = numbers.map((number) =>
    anOrder({ order_id: `o${number}`, identifiers: [`phone:p${number}`] }),
  )
  await broker.write(
    topics.orders,
    orders.map((value) => [value.order_key, value] as const),
  )
}

function versionsOf({ records }: Watched<AttributedOrder>): Map<string, AttributedOrder[]> {
  const versions = new Map<string, AttributedOrder[]>()
  for (const { value } of records) {
    const known = versions.get(value.order.order_key) ?? []
    known.push(value)
    versions.set(value.order.order_key, known)
  }
  for (const chain of versions.values()) chain.sort((a, b) => a.version - b.version)
  return versions
}

const modelsOf = ({ credits }: AttributedOrder): string =>
  [...new Set(credits.map(({ model }) => model))].sort().join()

test('new settings beside old ones: every order is credited anew as a whole, and never under the old ones again', async () => {
  const orders = await broker.watch(topics.attributedOrders)
  const few = settingsFile('few', (settings) => {
    settings.epoch = shippedEpoch + 1
    for (const one of settings.attribution) {
      one.models = one.models.filter(({ name }) => ['first', 'linear'].includes(name))
    }
  })
  const old = processor('old')
  await old.start()
  await send(0, 60)
  await until(() => versionsOf(orders).size === 60)
  const fresh = processor('new', { ATTRIBUTION_SETTINGS: few })
  await fresh.start()
  await send(60, 90)
  // What the old process still holds goes to the new one, and nothing comes back to the old settings: the old
  // process that takes everything over goes on under the new ones.
  await old.stop()
  const underNew = (): boolean =>
    [...versionsOf(orders).values()].every((chain) => {
      const last = chain.at(-1)
      return last !== undefined && modelsOf(last) === 'first,linear'
    })
  await until(() => versionsOf(orders).size === 90 && underNew())
  await until(async () => settledUnder(shippedEpoch + 1).test(await fresh.metrics()))
  await old.start()
  await fresh.stop()
  await send(90, 100)
  await until(() => versionsOf(orders).size === 100)
  expect(underNew()).toBe(true)
  for (const chain of versionsOf(orders).values()) {
    const models = chain.map(modelsOf)
    // Each version is of one epoch, and no old one follows a new one.
    const firstNew = models.indexOf('first,linear')
    expect(models.slice(firstNew).every((one) => one === 'first,linear')).toBe(true)
    expect(models.slice(0, firstNew).every((one) => one.split(',').length === 11)).toBe(true)
    chain.forEach((one, at) => {
      expect(one.version).toBe(at + 1)
      expect(one.replaces).toEqual(chain[at - 1]?.credits ?? [])
    })
  }
})

test('settings that differ under one number are refused, and the number to raise is named', async () => {
  await processor('one').start()
  const other = settingsFile('other', (settings) => {
    for (const one of settings.attribution) one.models = one.models.slice(0, 2)
  })
  const service = processor('other', { ATTRIBUTION_SETTINGS: other })
  // Where its first share of the group is no partition it is ready for a moment.
  await service.start().catch(() => undefined)
  const refusal = new RegExp(
    `both have epoch ${String(shippedEpoch)}: raise .{1,3}epoch.{1,3} to ${String(shippedEpoch + 1)}`,
  )
  await until(
    () => refusal.test(service.output()),
    () => service.output().slice(-1_000),
  )
  expect(await service.stop()).toBe(1)
})

/** This project as its next release would be: touchpoints have one field more. */
function nextRelease(): string {
  const directory = join(scratch, 'next')
  for (const folder of ['dist', 'schemas']) {
    cpSync(join(projectDirectory(), folder), join(directory, folder), { recursive: true })
  }
  cpSync(shipped, join(directory, 'services', 'stream-processor', 'attribution.json'))
  symlinkSync(join(projectDirectory(), 'node_modules'), join(directory, 'node_modules'))
  const path = join(directory, 'schemas', 'touchpoint.avsc')
  const schema = JSON.parse(readFileSync(path, 'utf8')) as { fields: unknown[] }
  schema.fields.push({ name: 'experiment', type: 'string', default: '' })
  writeFileSync(path, JSON.stringify(schema))
  return directory
}

test('records with one field more pass through old and new processes side by side', async () => {
  const orders = await broker.watch(topics.attributedOrders)
  const directory = nextRelease()
  const old = processor('old')
  await old.start()
  await send(0, 30)
  const provisioned = spawnSync(
    process.execPath,
    [join(directory, 'dist', 'scripts', 'provision.js')],
    { env: { ...process.env, ...broker.environment() }, encoding: 'utf8' },
  )
  expect(provisioned.stderr).toBe('')
  const fresh = processor('new', {}, directory)
  await fresh.start()
  await send(30, 60)
  const collector = new ServiceProcess(
    'collector',
    {
      ...broker.environment(),
      PORT: '0',
      IDENTIFIER_HASH_KEY: Buffer.alloc(32, 7).toString('base64'),
      SOURCES: JSON.stringify([{ name: 'web', keys: ['landing-write-key'], channel: 'web.page' }]),
    },
    directory,
  )
  running.push(collector)
  await collector.start()
  const identities = await broker.watch(topics.identities)
  const port = /"port":(\d+)/.exec(collector.output())?.[1] ?? ''
  const events = Array.from({ length: 40 }, (_, at) => ({
    type: 'click',
    identifiers: { visitor: `visitor-${at}` },
  }))
  const answer = await fetch(`http://127.0.0.1:${port}/collect`, {
    method: 'POST',
    headers: { 'x-write-key': 'landing-write-key' },
    body: JSON.stringify(events),
  })
  expect(answer.status).toBe(200)
  const visitors = (): number =>
    new Set(
      identities.records.map(({ value }) => value.identifier).filter((one) => one.startsWith('v')),
    ).size
  await until(() => visitors() === 40)
  // The old release takes over state that the new one has written.
  await fresh.stop('SIGKILL')
  await send(60, 90)
  await send(0, 30)
  await until(() => versionsOf(orders).size === 90)
  for (const chain of versionsOf(orders).values()) {
    expect(chain.at(-1)?.journey.map(({ channel }) => channel)).toEqual(['a', 'b'])
  }
})
