import { defaultSettings } from '../../services/core/attribution/settings'
import { defaultHubLimits } from '../../services/core/identity/hubs'
import { touchpointKey } from '../../services/core/identity/node'
import { journeyStage } from '../../services/core/journey'
import type { Order, Touchpoint } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { anOrder, aTouchpoint, dayMs, evening, hourMs } from '../given'
import { TopologyDriver } from '../support/topology-driver'

function driver(clusterIdentifiers = 5_000): TopologyDriver {
  const stage = journeyStage({
    orders: { attribution: [defaultSettings], generation: 0 },
    gather: { hubs: defaultHubLimits, clusterIdentifiers },
  })
  return new TopologyDriver([stage])
}

function touch(into: TopologyDriver, given: Partial<Touchpoint>): void {
  const touchpoint = aTouchpoint({ at: evening - hourMs, ...given })
  into.pipe(topics.touchpoints, touchpointKey(touchpoint), touchpoint)
}

function buy(into: TopologyDriver, given: Partial<Order>): void {
  const order = anOrder(given)
  into.pipe(topics.orders, order.order_key, order)
}

const lastChannel = (of: TopologyDriver, orderId: string): string | undefined =>
  of
    .latest(topics.attributedOrders)
    .get(`douyin:shop:${orderId}`)
    ?.credits.find(({ model }) => model === 'last')?.channel

test('a form filled in after the purchase joins two journeys and credits the past again', () => {
  const it = driver()
  touch(it, { id: 'click', identifiers: ['visitor:v'], channel: 'wechat.group' })
  buy(it, { identifiers: ['phone:p'] })
  it.run()
  expect(lastChannel(it, '1')).toBe('direct')
  touch(it, {
    id: 'form',
    type: 'form',
    identifiers: ['phone:p', 'visitor:v'],
    at: evening + hourMs,
  })
  it.run()
  expect(lastChannel(it, '1')).toBe('wechat.group')
  const versions = it.read(topics.attributedOrders)
  expect(versions.at(-1)?.cause).toBe('merge')
  expect(versions.at(-1)?.replaces).toEqual(versions.at(-2)?.credits)
})

test('of touches at one moment those with the last ids are considered, whoever was seen with whom', () => {
  const attribution = [{ ...defaultSettings, touches_considered_max: 2 }]
  const it = new TopologyDriver([
    journeyStage({
      orders: { attribution, generation: 0 },
      gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
    }),
  ])
  const companions = ['visitor:a', 'visitor:b', 'visitor:c', 'visitor:d']
  companions.forEach((companion, at) => {
    const id = ['1', '11', '2', '10'][at] ?? ''
    touch(it, { id, identifiers: ['phone:p', companion], channel: id })
  })
  buy(it, { identifiers: ['phone:p'] })
  it.run()
  const journey = it.latest(topics.attributedOrders).get('douyin:shop:1')?.journey
  expect(journey?.map(({ id }) => id)).toEqual(['11', '2'])
})

test('a late touch credits the past again, and one outside every window says nothing', () => {
  const it = driver()
  buy(it, { identifiers: ['phone:p'] })
  touch(it, { id: 'known', identifiers: ['phone:p'], channel: 'a', at: evening - 2 * hourMs })
  it.run()
  const before = it.read(topics.attributedOrders).length
  touch(it, { id: 'ancient', identifiers: ['phone:p'], channel: 'b', at: evening - 40 * dayMs })
  it.run()
  expect(it.read(topics.attributedOrders)).toHaveLength(before)
  touch(it, { id: 'late', identifiers: ['phone:p'], channel: 'c', at: evening - hourMs })
  it.run()
  expect(lastChannel(it, '1')).toBe('c')
  expect(it.read(topics.attributedOrders).at(-1)?.cause).toBe('touch')
})

test('an order of known identifiers is said once, not first without its journey', () => {
  const it = driver()
  touch(it, { identifiers: ['phone:p', 'visitor:v'] })
  it.run()
  buy(it, { identifiers: ['phone:p', 'visitor:v'] })
  it.run()
  expect(it.read(topics.attributedOrders)).toHaveLength(1)
})

test('a group leader who orders for many accounts joins none of them', () => {
  const it = driver()
  for (let account = 0; account < 12; account += 1) {
    touch(it, {
      id: `t${account}`,
      identifiers: [`user:douyin:${account}`],
      channel: `c${account}`,
    })
    buy(it, { order_id: `o${account}`, identifiers: ['phone:leader', `user:douyin:${account}`] })
  }
  it.run()
  for (let account = 0; account < 12; account += 1) {
    const order = it.latest(topics.attributedOrders).get(`douyin:shop:o${account}`)
    expect(order?.person).toBe(`user:douyin:${account}`)
    expect(lastChannel(it, `o${account}`)).toBe(`c${account}`)
  }
  expect(it.latest(topics.identities).get('phone:leader')?.state).toBe('hub')
  expect(it.latest(topics.findings).get('phone:leader')?.kind).toBe('hub')
})

test('an order of a hub alone stands alone', () => {
  const it = driver()
  for (let account = 0; account < 12; account += 1) {
    touch(it, { id: `t${account}`, identifiers: ['phone:leader', `user:douyin:${account}`] })
  }
  buy(it, { identifiers: ['phone:leader'] })
  it.run()
  const order = it.latest(topics.attributedOrders).get('douyin:shop:1')
  expect(order?.person).toBe('order:douyin:shop:1')
  expect(lastChannel(it, '1')).toBe('direct')
})

test('a shared tablet joins nobody, and counts for the order that names it', () => {
  const it = driver()
  touch(it, { id: 'a', identifiers: ['phone:a', 'visitor:tablet'] })
  touch(it, { id: 'b', identifiers: ['phone:b', 'visitor:tablet'] })
  touch(it, { id: 'seen', identifiers: ['visitor:tablet'], channel: 'tablet', at: evening - 1 })
  buy(it, { order_id: 'plain', identifiers: ['phone:a'] })
  buy(it, { order_id: 'named', identifiers: ['phone:a', 'visitor:tablet'] })
  it.run()
  expect(it.latest(topics.identities).get('visitor:tablet')?.state).toBe('contested')
  expect(lastChannel(it, 'plain')).toBe('douyin.video')
  expect(lastChannel(it, 'named')).toBe('tablet')
})

test('a root of too many identifiers refuses to join a smaller one, says so, and still takes orders', () => {
  const it = driver(3)
  for (let visitor = 0; visitor < 6; visitor += 1) {
    touch(it, { id: `t${visitor}`, identifiers: ['device:d', `visitor:${visitor}`] })
  }
  it.run()
  touch(it, { id: 'join', identifiers: ['phone:p', 'device:d'], channel: 'phone' })
  it.run()
  buy(it, { identifiers: ['visitor:3'] })
  it.run()
  expect(it.latest(topics.findings).get('device:d')?.kind).toBe('oversized')
  expect(lastChannel(it, '1')).toBe('douyin.video')
})

test('records in partitions that are not their own find their way', () => {
  const it = driver()
  const touchpoint = aTouchpoint({
    identifiers: ['phone:p'],
    at: evening - hourMs,
    channel: 'stray',
  })
  const order = anOrder({ identifiers: ['phone:p'] })
  for (const partition of [0, 1, 2, 3]) {
    it.pipeStray(topics.touchpoints, { key: 'x', partition, value: touchpoint })
    it.pipeStray(topics.orders, { key: 'y', partition, value: order })
  }
  it.run()
  expect(lastChannel(it, '1')).toBe('stray')
})

test('a touchpoint that names nobody joins nobody', () => {
  const it = driver()
  touch(it, { identifiers: [] })
  it.run()
  expect(it.read(topics.identities)).toEqual([])
})

test('what is said does not change with what is delivered again', () => {
  const it = driver()
  const say = (): void => {
    touch(it, { identifiers: ['phone:p', 'visitor:v'] })
    buy(it, { identifiers: ['phone:p'] })
    it.run()
  }
  say()
  const said = it.read(topics.attributedOrders).length + it.read(topics.identities).length
  say()
  expect(it.read(topics.attributedOrders).length + it.read(topics.identities).length).toBe(said)
})
