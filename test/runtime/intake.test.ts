import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { partitionOf } from '../../services/core/partition'
import { createHealth } from '../../services/runtime/health'
import { createIntake, type Intake } from '../../services/runtime/intake'
import { createOutlet } from '../../services/runtime/outlet'
import { keepSchema, readSchema, schemaName } from '../../services/runtime/spool-schemas'
import { createFakeProducer } from '../support/edge-fakes'
import { until } from '../support/until'
import { openTestSpool, spoolDirectory, valueOf } from './open-spool'

const opened: Intake<string>[] = []
afterEach(() => {
  for (const intake of opened.splice(0)) intake.close()
})

/** An intake of words, each its own key, in front of a fake producer and a real spool. */
async function openIntake(
  directory = spoolDirectory(),
  given: {
    readonly bytesMax?: number
    readonly version?: string
    readonly timeoutMs?: number
  } = {},
) {
  const producer = createFakeProducer()
  const { spool, metrics, logged } = await openTestSpool(directory, given)
  const health = createHealth(() => undefined)
  health.started()
  const schema = schemaName(given.version ?? 'v1')
  await keepSchema(directory, given.version ?? 'v1')
  const intake = createIntake<string>({
    recordOf: (word) => {
      const value = Buffer.concat([Buffer.alloc(5), Buffer.from(word)])
      return { key: word, value, schema }
    },
    outlet: createOutlet({
      producer,
      // As a registry would: the id of version vN is N.
      destinationOf: async (name) => {
        const schemaId = Number((await readSchema(directory, name)).slice(1))
        return { topic: 'words', partitions: 4, schemaId }
      },
    }),
    spool,
    timeoutMs: given.timeoutMs ?? 50,
    health,
    metrics,
  })
  opened.push(intake)
  const words = (): string[] => producer.sends.flat().map(({ value }) => String(value?.subarray(5)))
  return { directory, producer, spool, metrics, health, intake, words, logged }
}

test('while Kafka is there nothing touches the disk', async () => {
  const { intake, words, directory, metrics } = await openIntake()
  expect(await intake.keep(['a', 'b'])).toBe('kept')
  expect(words()).toEqual(['a', 'b'])
  expect(readdirSync(directory).filter((name) => name.endsWith('.spool'))).toEqual([])
  expect(await valueOf(metrics, 'spooled_records_total')).toBe(0)
})

test.each(['refuse', 'hold'] as const)(
  'while Kafka is away (%s) records are kept, the edge stays ready and says what it does without',
  async (mode) => {
    const { intake, producer, health, spool, metrics } = await openIntake()
    producer.mode = mode
    expect(await intake.keep(['a'])).toBe('kept')
    expect(spool.records()).toBe(1)
    expect(health.faults()).toEqual([])
    expect(health.degradations()).toEqual([expect.stringMatching(/^kafka: /)])
    expect(await valueOf(metrics, 'spooled_records_total')).toBe(1)
    expect(await metrics.registry.metrics()).toContain('produces_total{outcome="spooled"} 1')
  },
)

test('who waits for Kafka when it is found away is spooled at once, and whoever comes later too', async () => {
  const { intake, producer, spool } = await openIntake(undefined, { timeoutMs: 3_600_000 })
  producer.mode = 'hold'
  const waiting = intake.keep(['a'])
  await until(() => producer.sends.length === 1)
  producer.mode = 'refuse'
  expect(await intake.keep(['b'])).toBe('kept')
  expect(await waiting).toBe('kept')
  producer.mode = 'hold'
  expect(await intake.keep(['c'])).toBe('kept')
  expect(spool.records()).toBe(3)
})

test('what was spooled follows in order when Kafka is back, and the edge is whole again', async () => {
  const { intake, producer, health, spool, words, metrics } = await openIntake()
  producer.mode = 'refuse'
  const spooled = Array.from({ length: 1_200 }, (_, index) => `w${index}`)
  for (let start = 0; start < 1_200; start += 40) {
    await intake.keep(spooled.slice(start, start + 40))
  }
  producer.mode = 'acknowledge'
  await until(() => spool.records() === 0)
  expect(words()).toEqual(spooled)
  expect(producer.sends.flat().map(({ partition, key }) => [String(key), partition])).toEqual(
    spooled.map((word) => [word, partitionOf(Buffer.from(word), 4)]),
  )
  expect(health.degradations()).toEqual([])
  expect(await valueOf(metrics, 'spool_replayed_records_total')).toBe(1_200)
  await intake.keep(['new'])
  expect(words().at(-1)).toBe('new')
  expect(spool.bytes()).toBe(0)
})

test('new records pass by a spool that is still being replayed', async () => {
  const { intake, producer, spool, words } = await openIntake(undefined, { timeoutMs: 500 })
  producer.mode = 'refuse'
  await intake.keep(['old-0'])
  await intake.keep(Array.from({ length: 599 }, (_, index) => `old-${index + 1}`))
  producer.mode = 'hold'
  // The first batch is acknowledged, the second is under way.
  await until(() => producer.sends.length === 1)
  producer.release()
  await until(() => producer.sends.length === 2)
  const kept = intake.keep(['new'])
  await until(() => words().includes('new'))
  producer.mode = 'acknowledge'
  producer.release()
  expect(await kept).toBe('kept')
  await until(() => spool.records() === 0)
  expect(words()).toHaveLength(601)
})

test('headers survive the spool', async () => {
  const { directory, spool } = await openIntake()
  const headers = { 'tributary-edge': 'boot:7' }
  const value = Buffer.concat([Buffer.alloc(5), Buffer.from('a')])
  await spool.append([{ key: 'a', value, schema: schemaName('v1'), headers }])
  await spool.close()
  const later = await openIntake(directory)
  await until(() => later.spool.records() === 0)
  expect(later.producer.sends.flat()).toMatchObject([{ headers }])
})

test('a later process replays what an earlier one left', async () => {
  const first = await openIntake()
  first.producer.mode = 'refuse'
  await first.intake.keep(['a', 'b'])
  first.intake.close()
  await first.spool.close()
  const second = await openIntake(first.directory)
  await until(() => second.spool.records() === 0)
  expect(second.words()).toEqual(['a', 'b'])
})

test('after an upgrade each record names the schema it was written with', async () => {
  const old = await openIntake(undefined, { version: 'v1' })
  old.producer.mode = 'refuse'
  await old.intake.keep(['old'])
  old.intake.close()
  await old.spool.close()
  const upgraded = await openIntake(old.directory, { version: 'v2' })
  await until(() => upgraded.spool.records() === 0)
  await upgraded.intake.keep(['new'])
  const ids = upgraded.producer.sends.flat().map(({ value }) => value?.readInt32BE(1))
  expect(ids).toEqual([1, 2])
})

test('a schema file that is damaged holds its records back and says so, and new ones go on', async () => {
  const old = await openIntake(undefined, { version: 'v1' })
  old.producer.mode = 'refuse'
  await old.intake.keep(['old'])
  old.intake.close()
  await old.spool.close()
  const file = join(old.directory, `schema-${schemaName('v1')}.avsc`)
  writeFileSync(file, 'v7')
  const upgraded = await openIntake(old.directory, { version: 'v2' })
  await until(() => upgraded.health.degradations().length > 0)
  expect(upgraded.health.degradations()).toEqual([expect.stringContaining('is damaged')])
  expect(await upgraded.intake.keep(['new'])).toBe('kept')
  expect(upgraded.words()).toEqual(['new'])
  writeFileSync(file, 'v1')
  await until(() => upgraded.spool.records() === 0)
  expect(upgraded.words()).toEqual(['new', 'old'])
})

test('without Kafka and without room a client must come again, one at a time may still try Kafka', async () => {
  const { intake, producer, health, words } = await openIntake(undefined, { bytesMax: 10 })
  producer.mode = 'refuse'
  expect(await intake.keep(['a'])).toBe('unavailable')
  expect(health.faults()).toEqual([expect.stringMatching(/^spool: .*full/)])
  producer.mode = 'hold'
  const tries = [intake.keep(['b']), intake.keep(['c'])]
  expect(await Promise.race(tries)).toBe('unavailable')
  expect(words()).toEqual(['b'])
  producer.release()
  expect(await Promise.all(tries)).toEqual(['kept', 'unavailable'])
  expect([...health.faults(), ...health.degradations()]).toEqual([])
})

test('a fault of our own is not taken for an outage', async () => {
  const { intake, producer, spool, health } = await openIntake()
  Object.assign(producer, { send: () => Promise.reject(new TypeError('ours')) })
  await expect(intake.keep(['a'])).rejects.toThrow('ours')
  expect(spool.records()).toBe(0)
  expect(health.degradations()).toEqual([])
})
