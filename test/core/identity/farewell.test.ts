// Identifiers that have shown nothing for long go while others of them are named again: whatever is under way then,
// nothing is stranded at a node that nobody points to.
import fc from 'fast-check'
import { defaultSettings } from '../../../services/core/attribution/settings'
import { defaultHubLimits } from '../../../services/core/identity/hubs'
import { touchpointKey } from '../../../services/core/identity/node'
import { journeyStage } from '../../../services/core/journey'
import type { JourneyEntry, Order, Touchpoint } from '../../../services/core/records'
import { topics } from '../../../services/core/topics'
import { anOrder, aTouchpoint, dayMs, evening, hourMs } from '../../given'
import { TopologyDriver, type DriverOptions } from '../../support/topology-driver'

const numRuns = Number(process.env['RUNS'] ?? 300)
const stage = journeyStage({
  orders: { attribution: [defaultSettings], generation: 0 },
  gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
})
/** When touches of the evening have left, and 400 idle days later. */
const empty = evening + 90 * dayMs
const later = empty + 401 * dayMs

function driver(options?: DriverOptions): TopologyDriver {
  return new TopologyDriver([stage], options)
}

function touch(into: TopologyDriver, given: Partial<Touchpoint>): Touchpoint {
  const touchpoint = aTouchpoint(given)
  into.at(touchpoint.accepted_at).pipe(topics.touchpoints, touchpointKey(touchpoint), touchpoint)
  return touchpoint
}

function buy(into: TopologyDriver, given: Partial<Order>): void {
  const order = anOrder(given)
  into.at(order.accepted_at).pipe(topics.orders, order.order_key, order)
}

/** All entries by node and key. */
function nodesOf(it: TopologyDriver): Map<string, Map<string, JourneyEntry>> {
  const nodes = new Map<string, Map<string, JourneyEntry>>()
  for (const [key, entry] of it.state()) {
    const cut = key.indexOf(' ')
    const node = nodes.get(key.slice(0, cut)) ?? new Map<string, JourneyEntry>()
    nodes.set(key.slice(0, cut), node.set(key.slice(cut + 1), entry as JourneyEntry))
  }
  return nodes
}

/** What has lost its way: everything that lies at a root lies at the root of those it names. */
function stranded(it: TopologyDriver): string[] {
  const nodes = nodesOf(it)
  const rootOf = (node: string): string => {
    const parent = nodes.get(node)?.get('h')?.head?.parent
    if (parent === undefined) return `nobody for ${node}`
    return parent === '' ? node : rootOf(parent)
  }
  const faults: string[] = []
  for (const [node, entries] of nodes) {
    if (entries.get('h')?.head?.parting) faults.push(`${node} still takes leave`)
    for (const [key, { touch: kept, order, member, evidence }] of entries) {
      const names = [
        ...[kept, order, evidence].flatMap((one) => one?.identifiers ?? []),
        ...(member === null ? [] : [member.identifier]),
        ...(order === null ? [] : [`order:${order.order.order_key}`]),
      ]
      for (const one of names) {
        if (rootOf(one) !== node) faults.push(`${key} at ${node}: ${one} is at ${rootOf(one)}`)
      }
    }
    if (!node.startsWith('order:') && !nodes.get(rootOf(node))?.has(`m|${node}`)) {
      faults.push(`${rootOf(node)} does not know ${node}`)
    }
  }
  return faults
}

const journeyOf = (it: TopologyDriver, id: string): string[] =>
  it
    .latest(topics.attributedOrders)
    .get(`douyin:shop:${id}`)
    ?.journey.map(({ id: touchId }) => touchId) ?? []

test('an identifier that is named while its set takes leave keeps its touches and its orders', () => {
  // Whichever of what waits is heard first, for all of a hundred orders of hearing.
  for (let turn = 0; turn < 100; turn += 1) {
    let at = turn
    const it = driver({ partitions: 3, batch: 1, pick: (n) => (at = (at * 7 + 3) % 101) % n })
    touch(it, { id: 'old', at: evening, identifiers: ['phone:p', 'visitor:v'] })
    it.run().tend(empty)
    touch(it, { id: 'new', at: later, identifiers: ['visitor:v'] })
    it.tend(later)
    touch(it, { id: 'next', at: later + hourMs, identifiers: ['visitor:v'], channel: 'next' })
    buy(it, { identifiers: ['visitor:v'], paid_at: later + 2 * hourMs })
    it.run()
    expect(stranded(it)).toEqual([])
    expect(journeyOf(it, '1')).toEqual(['new', 'next'])
  }
})

test('a set that nobody names goes as a whole, however its identifiers came to it', () => {
  const it = driver()
  touch(it, { id: '1', identifiers: ['visitor:a', 'visitor:b'] })
  it.run()
  touch(it, { id: '2', identifiers: ['device:d', 'visitor:b'] })
  it.run()
  touch(it, { id: '3', identifiers: ['phone:p', 'device:d'] })
  it.run().tend(empty).tend(later)
  expect(it.state().size).toBe(0)
  expect(it.latest(topics.identities).size).toBe(0)
})

const identifier = fc.constantFrom(
  ...['code:a', 'phone:a', 'phone:b', 'unionid:a', 'user:douyin:a', 'device:a'],
  ...['visitor:a', 'visitor:b', 'visitor:c', 'visitor:d'],
)
const someone = fc.uniqueArray(identifier, { minLength: 1, maxLength: 3 })

test('whatever is under way when sets take leave, nothing is stranded and nobody is said to be gone who is not', () => {
  fc.assert(
    fc.property(
      fc.array(someone, { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(someone, fc.boolean()), { maxLength: 5 }),
      fc.array(fc.tuple(someone, fc.boolean()), { maxLength: 5 }),
      fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
      (before, meanwhile, after, picks) => {
        let at = 0
        const pick = (n: number): number => (picks[at++ % picks.length] ?? 0) % n
        const it = driver({ pick, batch: 1 + ((picks[0] ?? 0) % 9), partitions: 3 })
        before.forEach((identifiers, id) => touch(it, { id: `b${id}`, identifiers, at: evening }))
        it.run().tend(empty)
        const named = [...meanwhile, ...after].map(([identifiers, buys], id) => () => {
          const when = later + id * hourMs
          if (buys) buy(it, { order_id: `${id}`, identifiers, paid_at: when })
          else touch(it, { id: `t${id}`, identifiers, at: when })
        })
        for (const name of named.slice(0, meanwhile.length)) name()
        it.tend(later)
        for (const name of named.slice(meanwhile.length)) name()
        it.run()
        expect(stranded(it)).toEqual([])
        const known = [...nodesOf(it).keys()].filter((node) => !node.startsWith('order:'))
        expect([...it.latest(topics.identities).keys()].sort()).toEqual(known.sort())
        it.tend(later + 90 * dayMs)
          .tend(later + 600 * dayMs)
          .tend(later + 1_100 * dayMs)
        expect(it.state().size).toBe(0)
      },
    ),
    { numRuns },
  )
})
