// Any order, duplication and interleaving of the same inputs ends in the same persons, journeys and credits.
// The oracle computes persons straight from the set of inputs, without nodes or messages.
import fc from 'fast-check'
import { defaultSettings } from '../../../services/core/attribution/settings'
import { decidePersons, ownerOf, ownerOfOrder } from '../../../services/core/identity/decide'
import { isHub, isLimited, type HubLimits } from '../../../services/core/identity/hubs'
import { orderNode, sortIdentifiers, touchpointKey } from '../../../services/core/identity/node'
import { journeyStage, type JourneySettings } from '../../../services/core/journey'
import type { AttributedOrder, Order, Touchpoint } from '../../../services/core/records'
import { topics } from '../../../services/core/topics'
import { anOrder, aTouchpoint, evening, hourMs } from '../../given'
import { TopologyDriver } from '../../support/topology-driver'

/** More with RUNS=5000, for an evening of doubt. */
const numRuns = Number(process.env['RUNS'] ?? 100)

const tightHubs: HubLimits = {
  devicePhones: 2,
  deviceAccounts: 2,
  accountPhones: 2,
  phoneAccounts: 2,
  phoneAccountsInAll: 3,
  codePhones: 2,
  others: 6,
}
const settings: JourneySettings = {
  orders: { attribution: [{ ...defaultSettings, repeat_orders: 'reset' }], generation: 0 },
  gather: { hubs: tightHubs, clusterIdentifiers: 5_000 },
}

const identifier = fc.constantFrom(
  ...['code:a', 'code:b', 'phone:a', 'phone:b', 'phone:c', 'unionid:a', 'unionid:b'],
  ...['openid:app:a', 'openid:app:b', 'user:douyin:a', 'user:douyin:b', 'device:a'],
  ...['visitor:a', 'visitor:b', 'visitor:c', 'visitor:d'],
)
const identifiers = fc.uniqueArray(identifier, { minLength: 1, maxLength: 3 })

const touchpoint = fc
  .record({
    id: fc.integer({ min: 1, max: 30 }),
    identifiers,
    at: fc.integer({ min: 0, max: 240 }),
    accepted: fc.integer({ min: 0, max: 3 }),
    channel: fc.constantFrom('douyin.live', 'wechat.group', 'direct'),
    type: fc.constantFrom('click', 'room_enter', 'page_view', 'form'),
  })
  .map(({ id, at, accepted, ...rest }) =>
    aTouchpoint({
      ...rest,
      id: `t${id}`,
      at: evening - at * hourMs,
      accepted_at: evening + accepted,
    }),
  )

const order = fc
  .record({
    id: fc.integer({ min: 1, max: 4 }),
    identifiers: fc.uniqueArray(identifier, { maxLength: 2 }),
    revision: fc.integer({ min: 0, max: 3 }),
    paid: fc.boolean(),
  })
  .map(({ id, identifiers, revision, paid }) =>
    anOrder({
      order_id: `o${id}`,
      identifiers,
      // Later snapshots may move an order in time, past others of the same person.
      created_at: evening + id * hourMs + (revision % 2),
      paid_at: paid ? evening + id * hourMs + 2 + revision * 90 * 60_000 : null,
      updated_at: evening + 10 * hourMs + revision,
      refunded_minor: paid ? revision * 1_000 : 0,
    }),
  )

interface History {
  readonly touchpoints: readonly Touchpoint[]
  readonly orders: readonly Order[]
}

const history: fc.Arbitrary<History> = fc.record({
  touchpoints: fc.array(touchpoint, { maxLength: 18 }),
  orders: fc.array(order, { maxLength: 7 }),
})

interface Interleaving {
  readonly picks: readonly number[]
  readonly repeat: boolean
  readonly batch: number
}

const interleaving: fc.Arbitrary<Interleaving> = fc.record({
  picks: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
  repeat: fc.boolean(),
  batch: fc.integer({ min: 1, max: 12 }),
})

function play(
  { touchpoints, orders }: History,
  { picks, repeat, batch }: Interleaving,
): TopologyDriver {
  let at = 0
  const pick = (n: number): number => (picks[at++ % picks.length] ?? 0) % n
  const driver = new TopologyDriver([journeyStage(settings)], { pick, batch, partitions: 3 })
  const inputs = [
    ...touchpoints.map(
      (value) => () => driver.pipe(topics.touchpoints, touchpointKey(value), value),
    ),
    ...orders.map((value) => () => driver.pipe(topics.orders, value.order_key, value)),
  ]
  for (const input of repeat ? [...inputs, ...inputs] : inputs) input()
  return driver.run()
}

/** Everything about an order but the run columns. */
function contents(driver: TopologyDriver): Map<string, unknown> {
  const orders = [...driver.latest(topics.attributedOrders)].map(([key, order]) => {
    const { version, cause, replaces, replaces_order, ...content } = order
    return [
      key,
      { ...content, run: typeof version + typeof cause + typeof replaces + typeof replaces_order },
    ]
  })
  const identities = [...driver.latest(topics.identities)].map(([key, { version, ...content }]) => [
    key,
    { ...content, run: typeof version },
  ])
  return new Map([...orders, ...identities].sort() as [string, unknown][])
}

/** Persons straight from the set of inputs. */
function oracle({ touchpoints, orders }: History) {
  const identifiersOf = new Map<string, string[]>()
  for (const { order_key, identifiers } of orders) {
    identifiersOf.set(
      order_key,
      sortIdentifiers([...(identifiersOf.get(order_key) ?? []), ...identifiers]),
    )
  }
  const sets = [...touchpoints.map(({ identifiers }) => identifiers), ...identifiersOf.values()]
  const seenWith = new Map<string, Set<string>>()
  for (const set of sets) {
    for (const one of set) {
      const others = seenWith.get(one) ?? new Set()
      for (const other of set) if (other !== one) others.add(other)
      seenWith.set(one, others)
    }
  }
  const hubs = new Set(
    [...seenWith]
      .filter(([one, others]) => {
        const limited = [...others].filter((other) => isLimited(one, other))
        return isHub(one, { limited, inAll: others.size }, tightHubs)
      })
      .map(([one]) => one),
  )
  return { persons: decidePersons(sets, hubs), identifiersOf, hubs }
}

function expectOracle(given: History, driver: TopologyDriver): void {
  const { persons, identifiersOf, hubs } = oracle(given)
  const found = driver.latest(topics.attributedOrders)
  expect([...found.keys()].sort()).toEqual([...identifiersOf.keys()].sort())
  for (const [orderKey, attributed] of found) {
    const named = identifiersOf.get(orderKey) ?? []
    expect(attributed.person).toBe(ownerOfOrder(orderNode(orderKey), named, persons))
    expect(touchIdsOf(attributed)).toEqual(expectedTouchIds(given, attributed, { persons, named }))
    expectBalanced(attributed)
  }
  for (const [identifier, identity] of driver.latest(topics.identities)) {
    expect(identity.state === 'hub').toBe(hubs.has(identifier))
    expect(identity.person).toBe(persons.personOf.get(identifier) ?? identifier)
  }
}

function touchIdsOf({ journey }: AttributedOrder): number {
  return journey.reduce((sum, { touches }) => sum + touches, 0)
}

function expectedTouchIds(
  { touchpoints }: History,
  { person, order }: AttributedOrder,
  { persons, named }: { persons: ReturnType<typeof decidePersons>; named: readonly string[] },
): number {
  const owners = new Set([person, ...named.filter((one) => persons.contested.has(one))])
  const at = order.paid_at ?? order.created_at
  const ids = touchpoints
    .filter((touch) => owners.has(ownerOf(touch.identifiers, persons) ?? ''))
    .filter((touch) => touch.at <= at && touch.at >= at - 30 * 24 * hourMs)
    .map(({ id }) => id)
  return new Set(ids).size
}

/** Nothing is trained here. */
const plainModels = defaultSettings.models.filter(
  ({ kind }) => kind !== 'markov' && kind !== 'shapley',
)

function expectBalanced({
  credits,
  net_minor: netMinor,
  converted_at: convertedAt,
}: AttributedOrder): void {
  const sums = new Map<string, number>()
  for (const { model, amount_minor } of credits) {
    sums.set(model, (sums.get(model) ?? 0) + amount_minor)
  }
  if (convertedAt === null) expect(sums.size).toBe(0)
  else expect([...sums.values()]).toEqual(plainModels.map(() => netMinor))
}

test('any interleaving and repetition of the same inputs ends in the persons, journeys and sums of the oracle', () => {
  fc.assert(
    fc.property(history, interleaving, (given, played) => {
      expectOracle(given, play(given, played))
    }),
    { numRuns },
  )
})

test('two interleavings of the same inputs end in the same rows', () => {
  fc.assert(
    fc.property(history, interleaving, interleaving, (given, one, other) => {
      expect(contents(play(given, one))).toEqual(contents(play(given, other)))
    }),
    { numRuns },
  )
})

test('permuted inputs end in the same rows', () => {
  fc.assert(
    fc.property(history, interleaving, fc.infiniteStream(fc.nat()), (given, played, dice) => {
      const shuffle = <T>(values: readonly T[]): T[] =>
        values
          .map((value) => ({ value, rank: dice.next().value }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ value }) => value)
      const permuted = { touchpoints: shuffle(given.touchpoints), orders: shuffle(given.orders) }
      expect(contents(play(permuted, played))).toEqual(contents(play(given, played)))
    }),
    { numRuns },
  )
})

test('what a version replaces is exactly what the version before it credited', () => {
  fc.assert(
    fc.property(history, interleaving, (given, played) => {
      const last = new Map<string, AttributedOrder>()
      for (const version of play(given, played).read(topics.attributedOrders)) {
        const before = last.get(version.order.order_key)
        expect(version.replaces).toEqual(before?.credits ?? [])
        expect(version.version).toBe((before?.version ?? 0) + 1)
        last.set(version.order.order_key, version)
      }
    }),
    { numRuns },
  )
})
