// Deletion on request leaves no trace of a person in state or in what is said later, and no order without its money.
import fc from 'fast-check'
import { defaultSettings } from '../../../services/core/attribution/settings'
import { defaultHubLimits } from '../../../services/core/identity/hubs'
import { factTo } from '../../../services/core/identity/journey-state'
import { orderNode, partitionKeyOf, touchpointKey } from '../../../services/core/identity/node'
import { journeyStage } from '../../../services/core/journey'
import type { AttributedOrder, Order, Touchpoint } from '../../../services/core/records'
import { topics } from '../../../services/core/topics'
import { anOrder, aTouchpoint, dayMs, evening, hourMs } from '../../given'
import { TopologyDriver, type DriverOptions } from '../../support/topology-driver'

const numRuns = Number(process.env['RUNS'] ?? 40)

const hubs = { ...defaultHubLimits, devicePhones: 2, accountPhones: 2, phoneAccounts: 2, others: 5 }
const fewModels = defaultSettings.models.filter(({ name }) => ['linear', 'claim'].includes(name))
const stage = journeyStage({
  orders: { attribution: [{ ...defaultSettings, models: fewModels }], generation: 0 },
  gather: { hubs, clusterIdentifiers: 5_000 },
})

function driver(options?: DriverOptions): TopologyDriver {
  return new TopologyDriver([stage], options)
}

function touch(into: TopologyDriver, given: Partial<Touchpoint>): void {
  const touchpoint = aTouchpoint({ at: evening - hourMs, ...given })
  into.pipe(topics.touchpoints, touchpointKey(touchpoint), touchpoint)
}

function buy(into: TopologyDriver, given: Partial<Order>): void {
  const order = anOrder(given)
  into.pipe(topics.orders, order.order_key, order)
}

function tell(into: TopologyDriver, identifier: string, finally_ = false): void {
  const forget = { identifier, set: 'set:1', mentioned: false, finally: finally_ }
  into.pipe(topics.journeyFacts, identifier, factTo(identifier, { forget }))
}

/** As the command does it: told twice, each time until all is heard; then the nodes go. Whoever was seen with one of
 * the forgotten is told too. */
function forget(from: TopologyDriver, identifier: string): void {
  const people = [...from.latest(topics.identities).values()]
  const whose = people.find((one) => one.identifier === identifier)?.person ?? identifier
  const theirs = people.filter(({ person }) => person === whose).map((one) => one.identifier)
  for (const last of [false, false, true]) {
    tell(from, identifier, last)
    from.run()
    for (const one of new Set([identifier, ...theirs])) mention(from, one)
    from.run()
  }
}

function mention(into: TopologyDriver, identifier: string): void {
  const forget = { identifier, set: '', mentioned: true, finally: false }
  const nodes = new Set<string>()
  for (const { identifiers } of into.read(topics.touchpoints)) {
    if (identifiers.includes(identifier)) for (const one of identifiers) nodes.add(one)
  }
  for (const { identifiers, order_key } of into.read(topics.orders)) {
    if (identifiers.includes(identifier)) for (const one of identifiers) nodes.add(one)
    if (identifiers.includes(identifier)) nodes.add(orderNode(order_key))
  }
  nodes.delete(identifier)
  for (const node of nodes) {
    into.pipe(topics.journeyFacts, partitionKeyOf(node), factTo(node, { forget }))
  }
}

function tracesOf(identifiers: Iterable<string>, where: TopologyDriver): string[] {
  const state = [...where.state()].map(([key, entry]) => `${key} ${JSON.stringify(entry)}`)
  // With what follows an identifier, so that one is not found in a longer one.
  return [...identifiers].flatMap((one) =>
    state
      .filter((entry) => new RegExp(`${one}(?![\\w:])`).test(entry))
      .map((entry) => `${one} in ${entry.slice(0, 60)}`),
  )
}

const creditsOf = ({ credits }: AttributedOrder): unknown[] =>
  credits.map(({ model, touchpoint_id, amount_minor }) => [model, touchpoint_id, amount_minor])

test('a forgotten person leaves nothing in the state, and the orders keep money and credits without a name', () => {
  const it = driver()
  touch(it, { id: 'click', identifiers: ['visitor:v'], channel: 'wechat.group' })
  touch(it, { id: 'form', type: 'form', identifiers: ['phone:p', 'visitor:v'] })
  buy(it, { identifiers: ['phone:p'] })
  it.run()
  const before = it.latest(topics.attributedOrders).get('douyin:shop:1')
  forget(it, 'visitor:v')
  const after = it.latest(topics.attributedOrders).get('douyin:shop:1')
  expect(tracesOf(['phone:p', 'visitor:v'], it)).toEqual([])
  expect([...it.latest(topics.identities).keys()]).toEqual([])
  expect(after && creditsOf(after)).toEqual(before && creditsOf(before))
  expect(after).toMatchObject({
    person: 'order:douyin:shop:1',
    person_identifiers: [],
    evidence: [],
    cause: 'forget',
    replaces: before?.credits,
  })
  expect(JSON.stringify(after)).not.toMatch(/phone:p|visitor:v/)
})

test('a refund after the deletion scales the credits, and what its snapshot says of the buyer is not kept', () => {
  const it = driver()
  touch(it, { id: 'a', identifiers: ['phone:p'], channel: 'a', at: evening - 3 * hourMs })
  touch(it, { id: 'b', identifiers: ['phone:p'], channel: 'b', at: evening - hourMs })
  buy(it, { identifiers: ['phone:p'] })
  it.run()
  forget(it, 'phone:p')
  buy(it, {
    identifiers: ['phone:p'],
    updated_at: evening + hourMs,
    status: 'refunded',
    refunded_minor: 4_000,
  })
  it.run()
  const order = it.latest(topics.attributedOrders).get('douyin:shop:1')
  expect(tracesOf(['phone:p'], it)).toEqual([])
  expect(order?.net_minor).toBe(6_000)
  const linear = order?.credits.filter(({ model }) => model === 'linear')
  expect(linear?.map(({ channel, amount_minor }) => [channel, amount_minor])).toEqual([
    ['a', 3_000],
    ['b', 3_000],
  ])
})

test('who shared a tablet with a forgotten person keeps journey and orders', () => {
  const it = driver()
  touch(it, { id: 'mine', identifiers: ['phone:a', 'visitor:tablet'] })
  touch(it, { id: 'theirs', identifiers: ['phone:b', 'visitor:tablet'], channel: 'b.channel' })
  buy(it, { order_id: 'a', identifiers: ['phone:a'] })
  buy(it, { order_id: 'b', identifiers: ['phone:b'] })
  it.run()
  const before = it.latest(topics.attributedOrders).get('douyin:shop:b')
  forget(it, 'phone:a')
  const after = it.latest(topics.attributedOrders).get('douyin:shop:b')
  expect(tracesOf(['phone:a'], it)).toEqual([])
  expect(after?.person).toBe('phone:b')
  expect(after && creditsOf(after)).toEqual(before && creditsOf(before))
  expect(it.latest(topics.identities).get('visitor:tablet')?.person).toBe('phone:b')
})

test('who named a tablet that is forgotten keeps what it was credited for', () => {
  const it = driver()
  touch(it, { id: 'own', identifiers: ['phone:a', 'visitor:tablet'], at: evening - 2 * hourMs })
  touch(it, { id: 'b', identifiers: ['phone:b', 'visitor:tablet'] })
  touch(it, { id: 'tablet', identifiers: ['visitor:tablet'], channel: 'tablet', at: evening - 1 })
  buy(it, { order_id: 'named', identifiers: ['phone:a', 'visitor:tablet'] })
  buy(it, { order_id: 'plain', identifiers: ['phone:a'] })
  it.run()
  const creditsNow = (id: string): unknown => {
    const order = it.latest(topics.attributedOrders).get(`douyin:shop:${id}`)
    return order && creditsOf(order)
  }
  const [named, plain] = [creditsNow('named'), creditsNow('plain')]
  expect(JSON.stringify(named)).toContain('tablet')
  forget(it, 'visitor:tablet')
  expect(tracesOf(['visitor:tablet'], it)).toEqual([])
  expect([creditsNow('named'), creditsNow('plain')]).toEqual([named, plain])
  // What loses nothing goes on as before.
  touch(it, { id: 'late', identifiers: ['phone:a'], channel: 'late', at: evening - 2 })
  it.run()
  expect(creditsNow('named')).toEqual(named)
  expect(JSON.stringify(creditsNow('plain'))).toContain('late')
})

test('a forgotten group leader vanishes from the sets of everybody who ordered with that phone', () => {
  const it = driver()
  for (let account = 0; account < 6; account += 1) {
    touch(it, { id: `t${account}`, identifiers: [`user:douyin:${account}`] })
    buy(it, { order_id: `o${account}`, identifiers: ['phone:leader', `user:douyin:${account}`] })
  }
  it.run()
  expect(it.latest(topics.identities).get('phone:leader')?.state).toBe('hub')
  forget(it, 'phone:leader')
  expect(tracesOf(['phone:leader'], it)).toEqual([])
  for (let account = 0; account < 6; account += 1) {
    const order = it.latest(topics.attributedOrders).get(`douyin:shop:o${account}`)
    expect(order?.person).toBe(`user:douyin:${account}`)
    expect(order?.order.identifiers).toEqual([`user:douyin:${account}`])
  }
})

const identifier = fc.constantFrom(
  ...['code:a', 'phone:a', 'phone:b', 'phone:c', 'unionid:a', 'unionid:b', 'openid:app:a'],
  ...['user:douyin:a', 'user:douyin:b', 'device:a', 'visitor:a', 'visitor:b', 'visitor:c'],
)
const someone = fc.uniqueArray(identifier, { minLength: 1, maxLength: 3 })

/** An order goes to the root of a forgotten set by two ways: what was said of it, and its next snapshot. */
const overtaken: [[number, string[]][], [number, string[], number][], string, number[]] = [
  [
    ...[0, 0].map((id): [number, string[]] => [id, ['code:a']]),
    [0, ['unionid:a', 'user:douyin:a']],
    [0, ['code:a']],
  ],
  [
    [3, ['user:douyin:a', 'unionid:b'], 0],
    [3, ['code:a'], 0],
  ],
  'unionid:a',
  [
    1_412_907_798,
    ...Array<number>(12).fill(0),
    120_456_825,
    548_126_157,
    ...Array<number>(35).fill(0),
  ],
]

test('whoever is forgotten in whatever history, while messages are under way, leaves no trace; no order is counted twice', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), someone), { maxLength: 14 }),
      fc.array(fc.tuple(fc.nat(3), someone, fc.nat(3)), { maxLength: 8 }),
      identifier,
      fc.array(fc.nat(), { minLength: 50, maxLength: 50 }),
      (touches, orders, whom, picks) => {
        let at = 0
        const pick = (n: number): number => (picks[at++ % picks.length] ?? 0) % n
        const it = driver({ pick, batch: 1 + ((picks[0] ?? 0) % 9), partitions: 3 })
        for (const [id, identifiers] of touches) {
          touch(it, { id: `t${id}`, identifiers, at: evening - id * hourMs })
        }
        const bought = orders.map(([id, identifiers, revision]) => ({
          order_id: `o${id}`,
          identifiers,
          updated_at: evening + revision,
          refunded_minor: revision * 1_000,
        }))
        for (const order of bought.slice(0, 4)) buy(it, order)
        tell(it, whom)
        for (const order of bought.slice(4)) buy(it, order)
        it.run()
        const theirs = [...it.latest(topics.identities).values()]
        const person = theirs.find(({ identifier: one }) => one === whom)?.person
        const all = [
          whom,
          ...theirs.filter((one) => one.person === person).map((one) => one.identifier),
        ]
        forget(it, whom)
        expect(tracesOf(all, it)).toEqual([])
        // What the platform tells of the orders later changes nothing of that.
        for (const order of bought) {
          buy(it, { ...order, updated_at: evening + hourMs, refunded_minor: 5_000 })
        }
        it.run()
        expectOneHistory(it)
        for (const order of it.latest(topics.attributedOrders).values()) {
          expect(order.net_minor).toBe(5_000)
        }
      },
    ),
    { numRuns, examples: [overtaken] },
  )
})

test('whoever is forgotten while their identifiers take leave of one another leaves no trace', () => {
  fc.assert(
    fc.property(
      fc.array(someone, { minLength: 1, maxLength: 6 }),
      fc.array(someone, { maxLength: 3 }),
      identifier,
      fc.array(fc.nat(), { minLength: 50, maxLength: 50 }),
      (before, meanwhile, whom, picks) => {
        let at = 0
        const pick = (n: number): number => (picks[at++ % picks.length] ?? 0) % n
        const it = driver({ pick, batch: 1 + ((picks[0] ?? 0) % 9), partitions: 3 })
        before.forEach((identifiers, id) => {
          touch(it, { id: `b${id}`, identifiers })
        })
        it.run().tend(evening + 90 * dayMs)
        tell(it, whom)
        const late = evening + 500 * dayMs
        meanwhile.forEach((identifiers, id) => {
          touch(it, { id: `m${id}`, identifiers, at: late })
        })
        it.tend(late)
        forget(it, whom)
        expect(tracesOf([whom], it)).toEqual([])
      },
    ),
    { numRuns },
  )
})

function expectOneHistory(of: TopologyDriver): void {
  const last = new Map<string, AttributedOrder>()
  for (const version of of.read(topics.attributedOrders)) {
    const before = last.get(version.order.order_key)
    expect(version.version).toBe((before?.version ?? 0) + 1)
    expect(version.replaces).toEqual(before?.credits ?? [])
    last.set(version.order.order_key, version)
  }
}
