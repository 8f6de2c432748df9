import fc from 'fast-check'
import {
  defaultSettings,
  type AttributionSettings,
} from '../../../services/core/attribution/settings'
import { defaultHubLimits } from '../../../services/core/identity/hubs'
import { touchpointKey } from '../../../services/core/identity/node'
import { journeyStage } from '../../../services/core/journey'
import type { JourneyEntry, Order, Touchpoint } from '../../../services/core/records'
import { stockStage } from '../../../services/core/stock/reserve'
import { topics } from '../../../services/core/topics'
import { anOrder, aTouchpoint, dayMs, evening, hourMs, minuteMs } from '../../given'
import { TopologyDriver } from '../../support/topology-driver'

function stageUnder(attribution: AttributionSettings): unknown {
  return journeyStage({
    orders: { attribution: [attribution], generation: 0 },
    gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
  })
}

function driver(): TopologyDriver {
  return new TopologyDriver([stageUnder(defaultSettings)])
}

function touch(into: TopologyDriver, given: Partial<Touchpoint>): void {
  const touchpoint = aTouchpoint({ at: evening - hourMs, identifiers: ['phone:p1'], ...given })
  into.pipe(topics.touchpoints, touchpointKey(touchpoint), touchpoint)
}

function buy(into: TopologyDriver, given: Partial<Order> = {}): void {
  const order = anOrder(given)
  into.pipe(topics.orders, order.order_key, order)
}

const stored = (it: TopologyDriver, letter: string): number =>
  [...it.state().keys()].filter((key) => key.includes(` ${letter}`)).length

// The longest window is 30 days, an event may be 30 days late or 5 minutes ahead; inputs lie unread for 14 days at most,
// and a week is kept beyond.
const needed = 81 * dayMs + 5 * minuteMs

test('a touch leaves the store when no order can need it any more, and not a moment before', () => {
  const it = driver()
  touch(it, { at: evening })
  it.run().tend(evening + needed)
  expect(stored(it, 't|')).toBe(1)
  it.tend(evening + needed + 1)
  expect(stored(it, 't|')).toBe(0)
})

test('a refund after the touches have left scales the credits as they were, to the fen', () => {
  const it = driver()
  touch(it, { id: 'a', channel: 'a', at: evening - 3 * hourMs })
  touch(it, { id: 'b', channel: 'b', at: evening - 2 * hourMs })
  touch(it, { id: 'c', channel: 'c', at: evening - hourMs })
  buy(it)
  it.run()
  const before = it.latest(topics.attributedOrders).get('douyin:shop:1')
  it.tend(evening + 82 * dayMs)
  expect(stored(it, 't|')).toBe(0)
  expect(it.read(topics.attributedOrders)).toHaveLength(1)
  buy(it, { updated_at: evening + 83 * dayMs, refunded_minor: 1, status: 'refunded' })
  it.run()
  const after = it.latest(topics.attributedOrders).get('douyin:shop:1')
  expect(after?.journey).toEqual(before?.journey)
  expect(after?.credits.map(({ weight_ppb }) => weight_ppb)).toEqual(
    before?.credits.map(({ weight_ppb }) => weight_ppb),
  )
  const linear = after?.credits.filter(({ model }) => model === 'linear')
  expect(linear?.map(({ amount_minor }) => amount_minor)).toEqual([3_333, 3_333, 3_333])
  expect(after?.replaces).toEqual(before?.credits)
})

test('an order that was unpaid when its touches left is credited when it is paid, from what there is then', () => {
  const it = driver()
  touch(it, { id: 'old', channel: 'old' })
  buy(it, { paid_at: null, created_at: evening })
  it.run().tend(evening + 82 * dayMs)
  const paidAt = evening + 84 * dayMs
  touch(it, { id: 'new', channel: 'new', at: paidAt - hourMs })
  buy(it, { created_at: evening, paid_at: paidAt })
  it.run()
  const order = it.latest(topics.attributedOrders).get('douyin:shop:1')
  expect(order?.credits.find(({ model }) => model === 'last')?.channel).toBe('new')
})

test('an order told long after it converted looks at no touch that may have left, whether it has or not', () => {
  for (const left of [false, true]) {
    const it = driver()
    touch(it, { id: 'early', type: 'form', channel: 'early', at: evening - 29 * dayMs })
    touch(it, { id: 'late', channel: 'late', at: evening - dayMs })
    it.run()
    const acceptedAt = evening + 31 * dayMs + 6 * minuteMs
    buy(it, { order_id: 'unpaid', paid_at: null, created_at: evening - hourMs })
    buy(it, { order_id: 'told', accepted_at: acceptedAt })
    const long = { accepted_at: evening + 300 * dayMs, created_at: evening - hourMs }
    if (left) it.run().tend(evening + 300 * dayMs)
    buy(it, { order_id: 'long', ...long })
    buy(it, { order_id: 'unpaid', ...long })
    it.run()
    const orders = it.latest(topics.attributedOrders)
    const shown = (id: string) => orders.get(`douyin:shop:${id}`)?.journey.map(({ id }) => id)
    expect([shown('told'), shown('long'), shown('unpaid')]).toEqual([['late'], [], []])
    const findings = it.read(topics.findings).map(({ kind, subject }) => [kind, subject])
    expect(findings.sort()).toEqual(
      ['long', 'told', 'unpaid'].map((id) => ['told_late', `douyin:shop:${id}`]),
    )
  }
})

test('an order goes when no snapshot of it can be taken any more, and such a snapshot is refused', () => {
  const it = new TopologyDriver([stageUnder(defaultSettings), stockStage])
  buy(it, { created_at: evening })
  it.run().tend(evening + 421 * dayMs)
  expect(stored(it, 'o')).toBe(2)
  it.tend(evening + 421 * dayMs + 1)
  expect(stored(it, 'o')).toBe(0)
  buy(it, { created_at: evening, accepted_at: evening + 400 * dayMs + 1 })
  it.run()
  expect(it.rejected.map(({ reason }) => reason)).toEqual(['too-old', 'too-old'])
  expect(it.rejected[0]?.detail).toMatch(/^created_at: 400 days/)
  expect(it.read(topics.attributedOrders)).toHaveLength(1)
})

test('a snapshot that waited until its order had left the store is not counted as another order', () => {
  const it = new TopologyDriver([stageUnder(defaultSettings), stockStage])
  buy(it, { created_at: evening, accepted_at: evening + dayMs })
  it.run().tend(evening + 500 * dayMs)
  expect(stored(it, 'o')).toBe(0)
  // A dead letter replayed, or a spool of a host that was down.
  it.at(evening + 401 * dayMs)
  buy(it, { created_at: evening, accepted_at: evening + 2 * dayMs, refunded_minor: 1 })
  it.run()
  expect(it.rejected.map(({ reason }) => reason)).toEqual(['too-old', 'too-old'])
  expect(it.read(topics.attributedOrders)).toHaveLength(1)
})

test('an order that is too old is refused in whatever partition it stands', () => {
  const it = driver()
  const value = anOrder({ created_at: evening, accepted_at: evening + 500 * dayMs })
  for (const partition of [0, 1, 2, 3]) it.pipeStray(topics.orders, { key: 'y', partition, value })
  it.run()
  // As it stands in its own topic: whoever looks for an order there that nobody has finds the dead letter.
  const letters = it.rejected.map(({ topic, reason }) => [topic, reason])
  expect(letters).toEqual(Array(4).fill(['orders', 'too-old']))
  expect(it.read(topics.attributedOrders)).toEqual([])
})

test('identifiers that have shown nothing for 400 days go, and begin anew with higher versions when they return', () => {
  const it = driver()
  touch(it, { at: evening, identifiers: ['phone:p', 'visitor:v'] })
  it.run()
  const first = it.latest(topics.identities).get('visitor:v')?.version ?? 0
  const idle = evening + needed + 1
  it.tend(idle).tend(idle + 400 * dayMs)
  expect(it.state().size).toBeGreaterThan(0)
  it.tend(idle + 400 * dayMs + 1)
  expect(it.state().size).toBe(0)
  expect(it.latest(topics.identities).size).toBe(0)
  touch(it, { at: idle + 401 * dayMs, identifiers: ['visitor:v'] })
  it.run()
  expect(it.latest(topics.identities).get('visitor:v')?.person).toBe('visitor:v')
  expect(it.latest(topics.identities).get('visitor:v')?.version).toBeGreaterThan(first)
})

/** A phone at a time, each with the booth's tablet, which soon is a hub. @returns when the last was seen */
function crowd(it: TopologyDriver, days: number): number {
  const last = Math.floor(days / 10)
  for (let number = 0; number <= last; number += 1) {
    const at = evening + number * 10 * dayMs
    const identifiers = [`phone:${number}`, 'visitor:booth']
    it.at(at)
    touch(it, { id: `t${number}`, at, identifiers })
    it.run().tend(at)
  }
  return evening + last * 10 * dayMs
}

test('a hub that is seen every day stays one, and joins nobody to strangers', () => {
  const it = driver()
  // The first phones, whose set the tablet is of, show nothing for years.
  const at = crowd(it, 1_200) + dayMs
  touch(it, { id: 'a', at, identifiers: ['user:douyin:a', 'visitor:booth'], channel: 'a' })
  touch(it, { id: 'b', at: at + 1, identifiers: ['user:douyin:b', 'visitor:booth'], channel: 'b' })
  buy(it, { identifiers: ['user:douyin:a', 'visitor:booth'], paid_at: at + hourMs })
  it.run()
  const order = it.latest(topics.attributedOrders).get('douyin:shop:1')
  expect(order?.person).toBe('user:douyin:a')
  expect(order?.journey.map(({ channel }) => channel)).toEqual(['a'])
  expect(it.latest(topics.identities).get('visitor:booth')?.state).toBe('hub')
  // It has not begun anew in between, when it would have joined whoever came next.
  const found = it.read(topics.findings).filter(({ kind }) => kind === 'hub')
  expect(found.map(({ subject }) => subject)).toEqual(['visitor:booth'])
})

test('a hub costs one entry a day, however often it is seen', () => {
  const it = driver()
  const at = crowd(it, 100)
  const seenAt = (): unknown => {
    const head = [...it.state()].find(([key]) => key === 'visitor:booth h')?.[1] as JourneyEntry
    return head.head?.seen_at
  }
  const noted = seenAt()
  it.at(at + hourMs)
  touch(it, { id: 'again', at: at + hourMs, identifiers: ['phone:new', 'visitor:booth'] })
  it.run()
  expect(noted).toBe(at - (at % dayMs))
  expect(seenAt()).toBe(noted)
})

test('a hub that was not seen for 400 days goes with the set it is of', () => {
  const it = driver()
  const last = crowd(it, 50)
  it.tend(last + 90 * dayMs).tend(last + 399 * dayMs)
  expect(it.latest(topics.identities).has('visitor:booth')).toBe(true)
  for (const days of [491, 892, 1_293]) it.tend(last + days * dayMs)
  expect(it.state().size).toBe(0)
})

test('new settings have every order credited anew, as a whole, and orders they do not change say nothing', () => {
  const it = driver()
  touch(it, { id: 'a', channel: 'a', at: evening - 2 * hourMs })
  touch(it, { id: 'b', channel: 'b' })
  buy(it, { order_id: 'two' })
  buy(it, { order_id: 'none', identifiers: ['phone:nobody'] })
  it.run()
  const { models } = defaultSettings
  const fewer = { ...defaultSettings, models: models.filter(({ name }) => name === 'linear') }
  it.tend(0, [stageUnder(fewer)])
  const versions = it.read(topics.attributedOrders)
  expect(versions).toHaveLength(4)
  expect(new Set(versions.slice(2).map(({ cause }) => cause))).toEqual(new Set(['settings']))
  for (const { credits } of versions.slice(2)) {
    expect(new Set(credits.map(({ model }) => model))).toEqual(new Set(['linear']))
  }
  it.tend(0, [stageUnder(fewer)])
  expect(it.read(topics.attributedOrders)).toHaveLength(4)
})

interface Arrival {
  readonly acceptedAt: number
  pipe(into: TopologyDriver): void
}

const days = (max: number) => fc.integer({ min: 0, max: max * 24 }).map((hours) => hours * hourMs)
const person = fc.constantFrom('phone:a', 'phone:b')

const touched: fc.Arbitrary<Arrival> = fc
  .record({ id: fc.nat(30), who: person, at: days(150), late: days(30), type: touchType() })
  .map(({ id, who, at, late, type }) => {
    const acceptedAt = evening + at + late
    const given = { id: `t${id}`, type, channel: `c${id}`, identifiers: [who] }
    return {
      acceptedAt,
      pipe: (into) => {
        touch(into, { ...given, at: evening + at, accepted_at: acceptedAt })
      },
    }
  })

function touchType(): fc.Arbitrary<string> {
  return fc.constantFrom('click', 'form', 'impression', 'room_enter')
}

/** A snapshot of an order, and one of a refund long after; orders may be told in time, late, and much too late. */
const bought: fc.Arbitrary<Arrival[]> = fc
  .record({
    ...{ id: fc.nat(5), who: person, at: days(150), refund: days(200), created: days(20) },
    late: fc.oneof(days(30), days(100), days(380)),
  })
  .map(({ id, who, at, late, refund, created }) => {
    const [paidAt, acceptedAt] = [evening + at, evening + at + late]
    const given = {
      order_id: `o${id}-${at}`,
      identifiers: [who],
      created_at: paidAt - created,
      paid_at: paidAt,
      accepted_at: acceptedAt,
    }
    return [
      {
        acceptedAt,
        pipe: (into) => {
          buy(into, given)
        },
      },
      {
        acceptedAt: acceptedAt + refund,
        pipe: (into) => {
          buy(into, {
            ...given,
            accepted_at: acceptedAt + refund,
            updated_at: paidAt + refund + 1,
            refunded_minor: 3_333,
          })
        },
      },
    ]
  })

function contents(of: TopologyDriver): Map<string, unknown> {
  return new Map(
    [...of.latest(topics.attributedOrders)].sort().map(([key, order]) => {
      const { order: snapshot, person: whose, journey, credits, net_minor } = order
      return [key, { snapshot, whose, journey, credits, net_minor }]
    }),
  )
}

test('letting go of what no rule needs, whenever, changes nothing that anybody is told', () => {
  fc.assert(
    fc.property(
      fc.array(touched, { maxLength: 25 }),
      fc.array(bought, { maxLength: 6 }),
      (touches, orders) => {
        const arrivals = [...touches, ...orders.flat()]
        arrivals.sort((a, b) => a.acceptedAt - b.acceptedAt)
        const [tended, kept] = [driver(), driver()]
        for (const arrival of arrivals) {
          for (const it of [tended, kept]) arrival.pipe(it)
          tended.run().tend(arrival.acceptedAt)
          kept.run()
        }
        expect(contents(tended)).toEqual(contents(kept))
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 30) },
  )
})
