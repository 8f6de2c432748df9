// The trainer on a real warehouse and a real broker: which journeys it learns from, what it publishes, what can be asked.
import {
  conversionsIn,
  journeysIn,
  type JourneyCounts,
} from '../../services/core/models/journey-counts'
import { topics } from '../../services/core/topics'
import { attributedOrderRow } from '../../services/core/warehouse/attributed-order-row'
import { feeds } from '../../services/core/warehouse/feeds'
import type { Row } from '../../services/core/warehouse/row'
import { identityRow, touchpointRow } from '../../services/core/warehouse/rows'
import { gatherJourneys, type JourneyQuery } from '../../services/model-trainer/gather-journeys'
import { runTrainer } from '../../services/model-trainer/run-trainer'
import { trainOnce, type TrainingOutcome } from '../../services/model-trainer/train-once'
import { createTrainerMetrics } from '../../services/model-trainer/trainer-metrics'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { createHealth } from '../../services/runtime/health'
import { createLogger } from '../../services/runtime/logger'
import { createMetrics } from '../../services/runtime/metrics'
import { countPaths } from '../core/models/count-paths'
import { aJourneyTouch, anOrder, aTouchpoint, dayMs, evening, hourMs } from '../given'
import { anAttributedOrder } from '../support/attributed-order'
import { aTouch, drawWorld, pathsOf, type World } from '../support/journey-world'
import { TestBroker } from '../support/broker'
import { runScript } from '../support/run-script'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

let warehouse: Warehouse
let written = 0

beforeEach(async () => {
  written += 1
  warehouse = await openWarehouse(`trainer${String(written)}`)
})

afterEach(async () => {
  await dropWarehouse(warehouse)
})

const query: JourneyQuery = {
  ...{ from: evening - 30 * dayMs, to: evening, timeoutMs: 2 * dayMs },
  ...{ channelsMax: 100, clicksBeforeViews: true },
}

const at = (offset: number) => ({ topic: 't', partition: 0, offset, timestampMs: evening })

async function write(table: string, rows: readonly unknown[]): Promise<void> {
  if (rows.length === 0) return
  expect(await warehouse.insert({ table, rows: rows as Row[], token: table })).toBeNull()
}

async function fill({ touches, orders, who }: World): Promise<void> {
  await write(
    'touchpoints',
    touches.map((touch, id) => touchpointRow(aTouchpoint({ ...touch, id: String(id) }), at(id))),
  )
  await write(
    'identities',
    [...who].map(([identifier, person], id) =>
      identityRow(
        {
          ...{ identifier, kind: 'visitor', evidence: [], version: 1 },
          ...(person === 'hub'
            ? { person: identifier, state: 'hub' }
            : { person, state: 'member' }),
        },
        at(id),
      ),
    ),
  )
  await write(
    'attributed_orders',
    orders.map(({ person, at: paidAt, touches: journey, paidMinor, refundedMinor }, id) => {
      const order = anOrder({ order_id: String(id), paid_at: paidAt })
      const money = { paid_minor: paidMinor, refunded_minor: refundedMinor }
      return attributedOrderRow(
        anAttributedOrder({
          ...{ order: { ...order, ...money }, person, converted_at: paidAt, journey },
          net_minor: paidMinor - refundedMinor,
        }),
        at(id),
      )
    }),
  )
}

function sorted({ transitions, sightings }: JourneyCounts): unknown {
  const texts = (all: readonly object[]): string[] =>
    all.map((one) => JSON.stringify(Object.entries(one).sort())).sort()
  return { transitions: texts(transitions), sightings: texts(sightings) }
}

test('the journeys of hundreds of people are counted as one would count them one by one', async () => {
  const world = drawWorld(11, 400)
  await fill(world)
  for (const asked of [query, { ...query, clicksBeforeViews: false, timeoutMs: 5 * hourMs }]) {
    const { counts, folded } = await gatherJourneys(warehouse, asked)
    const expected = countPaths(pathsOf(world, asked))
    expect(sorted(counts)).toEqual(sorted(expected))
    expect(folded).toBe(0)
    expect(journeysIn(counts)).toBeGreaterThan(300)
    expect(conversionsIn(counts)).toBeGreaterThan(100)
  }
})

test('of more channels than a model takes the rarest are counted as one, twice in a row as once', async () => {
  const world = drawWorld(12, 200)
  await fill(world)
  const { counts, folded } = await gatherJourneys(warehouse, { ...query, channelsMax: 2 })
  const { counts: all } = await gatherJourneys(warehouse, query)
  expect(folded).toBe(3)
  expect(new Set(counts.sightings.map(({ channel }) => channel)).size).toBe(3)
  expect(counts.sightings.map(({ channel }) => channel)).toContain('other')
  expect(journeysIn(counts)).toBe(journeysIn(all))
  expect(conversionsIn(counts)).toBe(conversionsIn(all))
  expect(counts.transitions.filter(({ from, to }) => from === to)).toEqual([])
})

test('a journey without an order ends with the timeout, not before', async () => {
  const last = evening - query.timeoutMs
  await fill({
    touches: [aTouch({ at: last - 1 }), aTouch({ at: last, identifiers: ['phone:q'] })],
    ...{ orders: [], who: new Map() },
  })
  expect(journeysIn((await gatherJourneys(warehouse, query)).counts)).toBe(1)
})

test('what a person touches after an order begins a new path', async () => {
  const bought = evening - 10 * dayMs
  const counted = aJourneyTouch({ channel: 'live', first_at: bought - hourMs })
  await fill({
    touches: [
      aTouch({ at: bought - hourMs, channel: 'live' }),
      aTouch({ at: bought + hourMs, channel: 'video' }),
    ],
    orders: [{ person: 'phone:p', at: bought, touches: [counted], paidMinor: 1, refundedMinor: 0 }],
    who: new Map(),
  })
  const { counts } = await gatherJourneys(warehouse, query)
  expect(sorted(counts)).toEqual(
    sorted(
      countPaths([
        { channels: ['live'], converted: true, journeys: 1 },
        { channels: ['video'], converted: false, journeys: 1 },
      ]),
    ),
  )
})

test('an empty warehouse has no journeys, and both models say that they are not trained', async () => {
  const { counts, folded } = await gatherJourneys(warehouse, query)
  expect({ counts, folded }).toEqual({ counts: { transitions: [], sightings: [] }, folded: 0 })
  const current = `SELECT model, state, version, valid_from, journeys, conversion_rate
    FROM ${warehouse.database}.trained_models_current ORDER BY model`
  const not = { state: 'not trained', version: '', valid_from: null, journeys: null }
  expect(await warehouse.query(current)).toEqual([
    { model: 'markov', ...not, conversion_rate: null },
    { model: 'shapley', ...not, conversion_rate: null },
  ])
  const coverage = `SELECT model, state, orders_credited, orders_not_credited
    FROM ${warehouse.database}.model_coverage ORDER BY model`
  expect(await warehouse.query(coverage)).toEqual(
    ['markov', 'shapley'].map((model) => ({
      ...{ model, state: 'not trained', orders_credited: 0, orders_not_credited: 0 },
    })),
  )
})

async function withBroker(work: (broker: TestBroker) => Promise<void>): Promise<void> {
  const broker = await new TestBroker(stackFromEnvironment()).open()
  try {
    await work(broker)
  } finally {
    await broker.close()
  }
}

function trainOn(broker: TestBroker, trainedAt: number): Promise<TrainingOutcome> {
  const { kafka, registry, prefix } = broker
  return trainOnce({
    ...{ kafka, registry, prefix, warehouse, trainedAt, validFrom: trainedAt + hourMs },
    ...{ ...query, conversionsMin: 1 },
  })
}

test('a training reaches every partition, and ClickHouse answers what it was computed from', async () => {
  await withBroker(async (broker) => {
    const copies = await broker.watch(topics.trainedModels)
    const whole = await broker.watch(topics.modelTrainings)
    await fill(drawWorld(13, 200))
    const { trainings } = await trainOn(broker, evening)
    await until(() => copies.records.length === 4 * broker.partitions)
    await until(() => whole.records.length === 2)
    expect(whole.records.map(({ value }) => value)).toEqual(trainings)
    for (const { model, version, effects } of trainings) {
      const own = copies.records.filter(({ value }) => value.model === model)
      expect(own.map(({ record }) => record.partition).sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
      for (const { value } of own) {
        expect(value).toMatchObject({ version, valid_from: evening + hourMs })
        expect(value.channels).toEqual(
          effects.map(({ channel, weight_ppb }) => ({ channel, weight_ppb })),
        )
      }
    }
    // Nothing hidden is left at the end: readers see that they have read everything.
    const bounds = await (await broker.admin()).bounds(broker.prefix + topics.trainedModels.name)
    for (const { partition, high } of bounds) {
      const read = copies.records.filter(({ record }) => record.partition === partition)
      expect(Math.max(...read.map(({ record }) => record.offset)) + 1).toBe(high)
    }
    const feed = feeds.find(({ topic }) => topic.name === topics.modelTrainings.name)
    await write(
      feed?.table ?? '',
      trainings.map((training, id) => feed?.rowOf(training as never, at(id))),
    )
    const ask = (sql: string): Promise<Record<string, unknown>[]> =>
      warehouse.query(sql.replaceAll('$', `${warehouse.database}.`))
    const sums = await ask(
      `SELECT model, round(sum(weight), 6) AS all, min(weight) >= 0 AS fit
       FROM $removal_effects_current GROUP BY model ORDER BY model`,
    )
    const isNow = evening + hourMs <= Date.now()
    expect(sums).toEqual(
      isNow ? ['markov', 'shapley'].map((model) => ({ model, all: 1, fit: 1 })) : [],
    )
    expect(
      await ask(
        `SELECT round(min(sums), 9) AS least, round(max(sums), 9) AS most FROM (
           SELECT sum(probability) AS sums FROM $transition_matrix GROUP BY version, from_state)`,
      ),
    ).toEqual([{ least: 1, most: 1 }])
    const [markov] = trainings
    const [read] = await ask(
      `SELECT journeys, conversions, length(effects) AS effects, length(transitions) AS transitions
       FROM $trained_models WHERE model = 'markov'`,
    )
    expect(read).toEqual({
      ...{ journeys: markov?.journeys, conversions: markov?.conversions },
      ...{ effects: markov?.effects.length, transitions: markov?.transitions.length },
    })
  })
})

test('too few orders publish nothing', async () => {
  await withBroker(async (broker) => {
    await fill({ touches: [aTouch({})], orders: [], who: new Map() })
    expect(await trainOn(broker, evening)).toEqual({ trainings: [], journeys: 1, conversions: 0 })
    const admin = await broker.admin()
    const bounds = await admin.bounds(`${broker.prefix}${topics.trainedModels.name}`)
    expect(bounds.map(({ high }) => high)).toEqual([0, 0, 0, 0])
  })
})

test('the trainer trains when the newest training is old enough, and says how it went', async () => {
  const metrics = createMetrics('model-trainer')
  let now = evening
  const trained: number[] = []
  const outcomes: TrainingOutcome[] = [
    { trainings: [], journeys: 5, conversions: 1 },
    { trainings: [{} as never], journeys: 500, conversions: 100 },
  ]
  let looks = 0
  const stop = runTrainer({
    service: { health: createHealth(() => undefined), logger: createLogger('test', 'silent') },
    ...{ warehouse, intervalMs: dayMs, checkMs: 5 },
    metrics: createTrainerMetrics(metrics),
    now: () => {
      looks += 1
      return now
    },
    train: (moment) => {
      trained.push(moment)
      return Promise.resolve(outcomes.shift() ?? { trainings: [], journeys: 0, conversions: 0 })
    },
  })
  const some = looks
  await until(() => looks > some + 5)
  expect(trained).toEqual([evening])
  const [one] = await shown()
  expect(one).toContain('trainings_total{outcome="too_few_orders"} 1')
  expect(one).toContain('newest_model_timestamp_seconds 0')
  // After an hour it is looked again whether there are enough.
  now = evening + hourMs
  await until(() => trained.length === 2)
  now = evening + 2 * hourMs
  const then = looks
  await until(() => looks > then + 5)
  expect(trained).toEqual([evening, evening + hourMs])
  expect((await shown())[0]).toContain('sample_conversions 100')
  await stop()

  async function shown(): Promise<string[]> {
    return [await metrics.registry.metrics()]
  }
})

test('the service trains once, what it says reaches the tables, and a second one finds nothing to do', async () => {
  await withBroker(async (broker) => {
    const soon = Date.now() - hourMs
    const counted = aJourneyTouch({ channel: 'live', first_at: soon - hourMs })
    await fill({
      touches: [aTouch({ at: soon - 10 * dayMs, channel: 'video', identifiers: ['phone:q'] })],
      orders: [{ person: 'phone:p', at: soon, touches: [counted], paidMinor: 1, refundedMinor: 0 }],
      who: new Map(),
    })
    const settings = {
      ...broker.environment(),
      CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
      CLICKHOUSE_DATABASE: warehouse.database,
    }
    const training = { TRAIN_CONVERSIONS_MIN: '1', TRAIN_CHECK_MS: '50', TRAIN_LEAD_MS: '0' }
    const writer = new ServiceProcess('clickhouse-writer', { ...settings, BATCH_WAIT_MS: '10' })
    const one = new ServiceProcess('model-trainer', { ...settings, ...training })
    const other = new ServiceProcess('model-trainer', { ...settings, ...training })
    try {
      await Promise.all([writer.start(), one.start()])
      const states = `SELECT state, journeys, conversions, channels
        FROM ${warehouse.database}.trained_models_current`
      const trained = { state: 'trained', journeys: 2, conversions: 1, channels: 2 }
      await until(async () => {
        const found = await warehouse.query<{ state: string }>(states)
        return found.every(({ state }) => state === 'trained')
      })
      expect(await warehouse.query(states)).toEqual([trained, trained])
      await other.start()
      await until(async () => /newest_model_timestamp_seconds [1-9]/.test(await other.metrics()))
      expect(await other.metrics()).toContain('trainings_total{outcome="trained"} 0')
      expect(await one.metrics()).toContain('trainings_total{outcome="trained"} 1')
    } finally {
      await Promise.all([writer, one, other].map((service) => service.stop()))
    }
  })
})

test('what was sold before a model was trained is counted as not credited, not as nought', async () => {
  const credited = (id: string, trained: Record<string, string>): unknown =>
    attributedOrderRow(
      anAttributedOrder({ order: anOrder({ order_id: id }), trained }),
      at(Number(id)),
    )
  await write('attributed_orders', [
    credited('1', {}),
    ...['2', '3'].map((id) => credited(id, { markov: 'v1' })),
  ])
  const coverage = `SELECT model, state, orders_credited, orders_not_credited, net_minor_credited,
    net_minor_not_credited FROM ${warehouse.database}.model_coverage ORDER BY model`
  const of = (model: string, state: string, [yes, no]: [number, number]): unknown => ({
    ...{ model, state, orders_credited: yes, orders_not_credited: no },
    ...{ net_minor_credited: yes * 10_000, net_minor_not_credited: no * 10_000 },
  })
  expect(await warehouse.query(coverage)).toEqual([
    of('markov', 'in part', [2, 1]),
    of('shapley', 'not trained', [0, 3]),
  ])
})

test('npm run train trains now, and says what it found, what it lacks and what it refuses', async () => {
  await withBroker(async (broker) => {
    const run = (...args: string[]) =>
      runScript('train', args, {
        ...broker.environment(),
        CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
        CLICKHOUSE_DATABASE: warehouse.database,
        TRAIN_CONVERSIONS_MIN: '1',
      })
    const until = new Date(evening).toISOString()
    const empty = await run('--until', until)
    expect(empty).toMatchObject({ code: 1, stderr: '' })
    expect(empty.stdout).toContain('not trained: fewer than 1 orders')
    await fill(drawWorld(14, 100))
    const starting = new Date(Date.now() - 13 * dayMs).toISOString()
    const trained = await run('--until', until, '--starting', starting)
    expect(trained).toMatchObject({ code: 0, stderr: '' })
    expect(trained.stdout).toContain(`, from ${starting} on`)
    expect(trained.stdout).toMatch(/live +effect \d+\.\d\d %, weight \d+\.\d\d %/)
    const admin = await broker.admin()
    const bounds = await admin.bounds(`${broker.prefix}${topics.trainedModels.name}`)
    expect(bounds.every(({ high }) => high >= 2)).toBe(true)
    const late = await run('--starting', new Date(Date.now() - 15 * dayMs).toISOString())
    expect(late).toMatchObject({ code: 1, stdout: '' })
    expect(late.stderr).toContain('more than 14 days back')
    expect((await run('--since', 'yesterday')).stderr).toContain('must be a time in ISO 8601')
  })
})
