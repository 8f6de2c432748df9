// Orders under data-driven models: by which version, whatever came when.
import { trainedNode } from '../../../services/core/attribution/trained-models'
import { defaultSettings } from '../../../services/core/attribution/settings'
import { defaultHubLimits } from '../../../services/core/identity/hubs'
import { journeyStage } from '../../../services/core/journey'
import type {
  AttributedOrder,
  JourneyEntry,
  Order,
  TrainedModel,
} from '../../../services/core/records'
import { topics } from '../../../services/core/topics'
import { anOrder, aTouchpoint, dayMs, evening, hourMs } from '../../given'
import { TopologyDriver } from '../../support/topology-driver'

const partitions = 2
const stage = journeyStage({
  orders: {
    generation: 0,
    attribution: [
      {
        ...defaultSettings,
        models: [
          { name: 'markov', kind: 'markov' },
          { name: 'even', kind: 'linear' },
        ],
      },
    ],
  },
  gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
})

function aTrainedModel(given: Partial<TrainedModel> = {}): TrainedModel {
  return {
    ...{ model: 'markov', version: 'v1', valid_from: evening - dayMs, trained_at: evening - dayMs },
    channels: [
      { channel: 'live', weight_ppb: 750_000_000 },
      { channel: 'video', weight_ppb: 250_000_000 },
    ],
    unseen_ppb: 250_000_000,
    ...given,
  }
}

function publish(driver: TopologyDriver, value: TrainedModel): TopologyDriver {
  for (let partition = 0; partition < partitions; partition += 1) {
    driver.pipeStray(topics.trainedModels, { key: value.version, partition, value })
  }
  return driver.run()
}

function buy(driver: TopologyDriver, order: Order, channels = ['live', 'video']): TopologyDriver {
  for (const [at, channel] of channels.entries()) {
    const id = `${order.order_id}-${String(at)}`
    const touch = aTouchpoint({
      id,
      channel,
      at: evening - 2 * dayMs + at * hourMs,
      identifiers: order.identifiers,
    })
    driver.pipe(topics.touchpoints, order.identifiers[0] ?? '', touch)
  }
  return driver.pipe(topics.orders, order.order_key, order).run()
}

const aDriver = (): TopologyDriver => new TopologyDriver([stage], { partitions })

function only(driver: TopologyDriver): AttributedOrder {
  const [order] = driver.latest(topics.attributedOrders).values()
  if (order === undefined) throw new Error('no order')
  return order
}

function markovOf({ credits }: AttributedOrder): unknown[] {
  return credits
    .filter(({ model }) => model === 'markov')
    .map(({ channel, weight_ppb, amount_minor }) => [channel, weight_ppb / 1e9, amount_minor])
}

test('before a model was trained an order has no credits under it, and does not name it', () => {
  const order = only(buy(aDriver(), anOrder()))
  expect(markovOf(order)).toEqual([])
  expect(order.trained).toEqual({})
  expect(order.credits.map(({ model }) => model)).toEqual(['even', 'even'])
})

test('each channel of an order weighs what the model says, and its touches share that', () => {
  const driver = publish(aDriver(), aTrainedModel())
  const order = only(buy(driver, anOrder(), ['live', 'video', 'live']))
  expect(markovOf(order)).toEqual([
    ['live', 0.375, 3_750],
    ['video', 0.25, 2_500],
    ['live', 0.375, 3_750],
  ])
  expect(order.trained).toEqual({ markov: 'v1' })
})

test('channels that were not met in training weigh as the least that weighs anything', () => {
  const driver = publish(aDriver(), aTrainedModel())
  expect(markovOf(only(buy(driver, anOrder(), ['live', 'radio'])))).toEqual([
    ['live', 0.75, 7_500],
    ['radio', 0.25, 2_500],
  ])
})

test('an order whose channels weigh nothing is split evenly over them, and one without touches is direct', () => {
  const none = aTrainedModel({
    channels: [{ channel: 'tv', weight_ppb: 1_000_000_000 }],
    unseen_ppb: 0,
  })
  const driver = publish(aDriver(), none)
  expect(markovOf(only(buy(driver, anOrder(), ['live', 'video', 'live'])))).toEqual([
    ['live', 0.25, 2_500],
    ['video', 0.5, 5_000],
    ['live', 0.25, 2_500],
  ])
  const direct = publish(aDriver(), none)
  expect(markovOf(only(buy(direct, anOrder(), [])))).toEqual([['direct', 1, 10_000]])
})

test('an order is credited by the version of its time: not a later one, and of one moment the last by name', () => {
  const driver = aDriver()
  publish(driver, aTrainedModel({ version: 'v3', valid_from: evening + 1 }))
  publish(driver, aTrainedModel({ version: 'v2b', valid_from: evening }))
  publish(driver, aTrainedModel({ version: 'v2a', valid_from: evening }))
  publish(driver, aTrainedModel({ version: 'v1' }))
  expect(only(buy(driver, anOrder())).trained).toEqual({ markov: 'v2b' })
})

test('a version that comes after its orders credits them when they are looked after, and only once', () => {
  const driver = buy(aDriver(), anOrder())
  publish(driver, aTrainedModel())
  expect(only(driver).trained).toEqual({})
  driver.tend(evening)
  const order = only(driver)
  expect(order).toMatchObject({ cause: 'trained', version: 2, trained: { markov: 'v1' } })
  expect(markovOf(order)).toEqual([
    ['live', 0.75, 7_500],
    ['video', 0.25, 2_500],
  ])
  driver.tend(evening).tend(evening)
  expect(driver.read(topics.attributedOrders)).toHaveLength(2)
})

test('a version that applies to later orders leaves earlier ones as they are', () => {
  const driver = publish(buy(aDriver(), anOrder()), aTrainedModel({ valid_from: evening + 1 }))
  driver.tend(evening)
  expect(driver.read(topics.attributedOrders)).toHaveLength(1)
})

test('an order that has not converted waits for the version of its conversion', () => {
  const driver = publish(aDriver(), aTrainedModel({ valid_from: evening }))
  const created = anOrder({ paid_at: null, created_at: evening - hourMs })
  buy(driver, created)
  expect(only(driver).trained).toEqual({})
  driver.pipe(topics.orders, created.order_key, {
    ...created,
    paid_at: evening,
    updated_at: evening,
    status: 'paid',
  })
  expect(only(driver.run()).trained).toEqual({ markov: 'v1' })
})

test('an order that is frozen keeps the version it was frozen with, and refunds scale it', () => {
  const driver = publish(aDriver().at(evening), aTrainedModel())
  const order = anOrder()
  buy(driver, order)
  const late = evening + 100 * dayMs
  driver.tend(late).at(late)
  publish(driver, aTrainedModel({ version: 'v9', valid_from: late }))
  const lines = order.lines.map((line) => ({ ...line, refunded_minor: 4_000 }))
  const refunded = { ...order, lines, refunded_minor: 4_000, updated_at: late, accepted_at: late }
  driver.pipe(topics.orders, order.order_key, refunded).run().tend(late)
  expect(only(driver).trained).toEqual({ markov: 'v1' })
  expect(markovOf(only(driver))).toEqual([
    ['live', 0.75, 4_500],
    ['video', 0.25, 1_500],
  ])
})

test('an order that was frozen before there was a model stays without', () => {
  const driver = buy(aDriver().at(evening), anOrder()).tend(evening + 100 * dayMs)
  publish(driver, aTrainedModel()).tend(evening + 100 * dayMs)
  expect(only(driver).trained).toEqual({})
  expect(driver.read(topics.attributedOrders)).toHaveLength(1)
})

test.each([
  ['weights that do not sum to the whole', { channels: [{ channel: 'a', weight_ppb: 5 }] }],
  [
    'a weight below nothing',
    {
      channels: [
        { channel: 'a', weight_ppb: 1_000_000_001 },
        { channel: 'b', weight_ppb: -1 },
      ],
    },
  ],
  ['a weight below nothing for what was not seen', { unseen_ppb: -1 }],
  ['a time more than two weeks before it was published', { valid_from: evening - 15 * dayMs }],
])('a model with %s is refused in every partition', (_, given) => {
  const driver = publish(aDriver().at(evening), aTrainedModel(given))
  expect(driver.rejected.map(({ reason }) => reason)).toEqual(['invalid', 'invalid'])
  expect(driver.state().size).toBe(0)
})

test('a copy that comes twice is kept once', () => {
  const driver = publish(publish(aDriver(), aTrainedModel()), aTrainedModel())
  expect([...driver.state().keys()].sort()).toEqual([
    `${trainedNode} v|markov`,
    `${trainedNode} w|markov|v1`,
  ])
})

test('versions go when no order of their time is kept any more, the last of them never', () => {
  const driver = aDriver().at(evening)
  for (const [at, version] of ['v1', 'v2', 'v3'].entries()) {
    publish(driver, aTrainedModel({ version, valid_from: evening + at * dayMs }))
  }
  const kept = (): string[] =>
    [...driver.state()].flatMap(([key, entry]) => {
      const { trained } = entry as JourneyEntry
      return key.startsWith(trainedNode) && trained !== null ? [trained.version] : []
    })
  driver.tend(evening + 421 * dayMs)
  expect(new Set(kept())).toEqual(new Set(['v1', 'v2', 'v3']))
  driver.tend(evening + 422 * dayMs)
  expect(new Set(kept())).toEqual(new Set(['v2', 'v3']))
  driver.tend(evening + 900 * dayMs)
  expect(new Set(kept())).toEqual(new Set(['v3']))
})
