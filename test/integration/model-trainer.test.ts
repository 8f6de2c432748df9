// The trainer on a real warehouse and a real broker: which journeys it learns from, what it publishes, what can be asked.
import {
  conversionsIn,
  journeysIn,
  type JourneyCounts,
} from '../../services/core/models/journey-counts'
import type { JourneyTouch } from '../../services/core/records'
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
import { seededRandom } from '../../scripts/evening/random'
import { countPaths, type Path } from '../core/models/count-paths'
import { aJourneyTouch, anOrder, aTouchpoint, dayMs, evening, hourMs } from '../given'
import { anAttributedOrder } from '../support/attributed-order'
import { TestBroker } from '../support/broker'
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

interface Touched {
  readonly person: string
  readonly at: number
  readonly channel: string
  readonly type: string
  readonly identifiers: readonly string[]
}

interface Bought {
  readonly person: string
  readonly at: number
  readonly touches: readonly JourneyTouch[]
  readonly paidMinor: number
  readonly refundedMinor: number
}

interface World {
  readonly touches: readonly Touched[]
  readonly orders: readonly Bought[]
  /** Person by identifier; `hub` for one that is nobody's. */
  readonly who: ReadonlyMap<string, string>
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

/** The same journeys, found one by one: a second reading of the rules. */
function pathsOf({ touches, orders, who }: World, asked: JourneyQuery): Path[] {
  const { from, to, timeoutMs, clicksBeforeViews } = asked
  const paths: Path[] = []
  for (const order of orders) {
    if (order.at < from || order.at >= to) continue
    if (order.refundedMinor > 0 && order.refundedMinor === order.paidMinor) continue
    const channels = order.touches.filter(({ counted }) => counted).map(({ channel }) => channel)
    const went = channels.length === 0 ? ['direct'] : channels
    paths.push({ channels: went, converted: true, journeys: 1 })
  }
  const ownerOf = ({ identifiers }: Touched): string | undefined => {
    const own = identifiers.find((one) => who.get(one) !== 'hub')
    return own === undefined ? undefined : (who.get(own) ?? own)
  }
  const owners = new Set(touches.map(ownerOf))
  for (const owner of owners) {
    if (owner === undefined) continue
    const bought = orders.filter(({ person }) => person === owner)
    const free = touches
      .filter((touch) => ownerOf(touch) === owner && touch.type !== 'unheard_of')
      .filter((touch) => touch.at >= from - 2 * timeoutMs && touch.at < to)
      .filter((touch) =>
        bought.every((order) => {
          if (order.at < from - 2 * timeoutMs) return true
          const counted = order.touches.filter((one) => one.counted).map((one) => one.first_at)
          return touch.at < Math.min(order.at, ...counted) || touch.at > order.at
        }),
      )
      .sort((a, b) => a.at - b.at)
    let piece: Touched[] = []
    const end = (): void => {
      const endedAt = (piece.at(-1)?.at ?? 0) + timeoutMs
      const isView = ({ type }: Touched): boolean => ['impression', 'page_view'].includes(type)
      const acts = piece.filter((touch) => !isView(touch))
      const counted = clicksBeforeViews && acts.length > 0 ? acts : piece
      if (piece.length > 0 && endedAt >= from && endedAt < to) {
        const channels = counted.map(({ channel }) => channel)
        paths.push({ channels, converted: false, journeys: 1 })
      }
      piece = []
    }
    for (const touch of free) {
      const before = piece.at(-1)
      const cut =
        before !== undefined &&
        (touch.at - before.at >= timeoutMs ||
          bought.some(
            (order) =>
              order.at >= from - 2 * timeoutMs && order.at >= before.at && order.at <= touch.at,
          ))
      if (cut) end()
      piece.push(touch)
    }
    end()
  }
  return paths
}

function sorted({ transitions, sightings }: JourneyCounts): unknown {
  const texts = (all: readonly object[]): string[] =>
    all.map((one) => JSON.stringify(Object.entries(one).sort())).sort()
  return { transitions: texts(transitions), sightings: texts(sightings) }
}

function drawWorld(seed: number, persons: number): World {
  const random = seededRandom(seed)
  const channels = ['live', 'video', 'group', 'direct', 'poster']
  const types = ['click', 'click', 'scan', 'room_enter', 'impression', 'page_view', 'unheard_of']
  const who = new Map([['device:hub', 'hub']])
  const touches: Touched[] = []
  const orders: Bought[] = []
  for (let number = 0; number < persons; number += 1) {
    const person = `phone:${String(number)}`
    if (random.chance(0.8)) who.set(`visitor:${String(number)}`, person)
    who.set(person, person)
    const own: Touched[] = []
    for (let step = random.below(8); step > 0; step -= 1) {
      const named = random.pick([
        [`visitor:${String(number)}`],
        [person, `visitor:${String(number)}`],
        ['device:hub', `visitor:${String(number)}`],
        ['device:hub'],
      ])
      own.push({
        ...{ person, channel: random.pick(channels), type: random.pick(types), identifiers: named },
        // Whole hours: some touches are of one moment with orders, one another, or the timeout.
        at: evening - random.below(40 * 24) * hourMs + own.length,
      })
    }
    touches.push(...own)
    for (let step = random.below(3); step > 0; step -= 1) {
      const paidAt = evening - random.below(36 * 24) * hourMs
      const before = own.filter((touch) => touch.at <= paidAt && touch.at > paidAt - 7 * dayMs)
      const journey = before
        .sort((a, b) => a.at - b.at)
        .map((touch) =>
          aJourneyTouch({
            ...{ channel: touch.channel, first_at: touch.at, last_at: touch.at },
            counted: touch.type !== 'impression',
          }),
        )
      orders.push({
        ...{ person, at: paidAt, touches: journey, paidMinor: random.pick([0, 500]) },
        refundedMinor: 0,
      })
      const last = orders.at(-1)
      if (last?.paidMinor === 500 && random.chance(0.2)) {
        orders[orders.length - 1] = { ...last, refundedMinor: random.pick([100, 500]) }
      }
    }
  }
  return { touches, orders, who }
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

const touch = (given: Partial<Touched>): Touched => ({
  ...{ person: 'phone:p', at: evening - 5 * dayMs, channel: 'live', type: 'click' },
  identifiers: ['phone:p'],
  ...given,
})

test('a journey without an order ends with the timeout, not before', async () => {
  const last = evening - query.timeoutMs
  await fill({
    touches: [touch({ at: last - 1 }), touch({ at: last, identifiers: ['phone:q'] })],
    ...{ orders: [], who: new Map() },
  })
  expect(journeysIn((await gatherJourneys(warehouse, query)).counts)).toBe(1)
})

test('what a person touches after an order begins a new path', async () => {
  const bought = evening - 10 * dayMs
  const counted = aJourneyTouch({ channel: 'live', first_at: bought - hourMs })
  await fill({
    touches: [
      touch({ at: bought - hourMs, channel: 'live' }),
      touch({ at: bought + hourMs, channel: 'video' }),
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
    await until(() => copies.records.length === 2 * broker.partitions)
    await until(() => whole.records.length === 2)
    expect(whole.records.map(({ value }) => value)).toEqual(trainings)
    for (const { model, version, effects } of trainings) {
      const own = copies.records.filter(({ value }) => value.model === model)
      expect(own.map(({ record }) => record.partition).sort()).toEqual([0, 1, 2, 3])
      for (const { value } of own) {
        expect(value).toMatchObject({ version, valid_from: evening + hourMs })
        expect(value.channels).toEqual(
          effects.map(({ channel, weight_ppb }) => ({ channel, weight_ppb })),
        )
      }
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
    await fill({ touches: [touch({})], orders: [], who: new Map() })
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
