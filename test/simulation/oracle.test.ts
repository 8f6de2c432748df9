// The oracle is held against examples others have published, and against the rules' own small print.
import {
  aJourneyTouch,
  aLine,
  anOrder,
  aTouchpoint,
  dayMs,
  evening,
  hourMs,
  minuteMs,
} from '../given'
import type { TrainedModel } from '../../services/core/records'
import { attributeAtOnce, type OracleRules } from './oracle-attribution'
import { weigh, type OracleModel } from './oracle-credits'
import { findOutWhoIsWho, type CrowdLimits } from './oracle-identity'
import { splitAmount, type Fraction } from './oracle-money'
import { foresee } from './oracle'

const applied = { milestone_types: ['form', 'room_enter'] }

function weightsOf(
  model: Exclude<OracleModel, { kind: 'claim' | 'markov' | 'shapley' }>,
  types: readonly string[],
): Fraction[] {
  const touches = types.map((type) =>
    type === 'direct' ? aJourneyTouch({ channel: 'direct' }) : aJourneyTouch({ type }),
  )
  return weigh(model, touches, { convertedAt: evening, applied })
}

const shares = (weights: readonly Fraction[]): number[] =>
  splitAmount(0, weights).map(({ weightPpb }) => Math.round(weightPpb / 1e3) / 1e6)

const clicks = (n: number): string[] => Array.from({ length: n }, () => 'click')
const u = { name: 'u', kind: 'position', ends: [0.4, 0.2, 0.4] } as const
const j = { name: 'j', kind: 'position', ends: [0.2, 0.2, 0.6] } as const
const inverseJ = { name: 'inverse_j', kind: 'position', ends: [0.6, 0.2, 0.2] } as const
const w = { name: 'w', kind: 'w_shape' } as const

// 40/20/40 as Snowplow, dbt-labs, PostHog and Adobe publish it; 20/20/60, 60/20/20 and their ends alone as Adobe does;
// 30/30/30/10 with a milestone as adriennevermorel.com describes it.
test.each([
  ['U of one', u, clicks(1), [1]],
  ['U of two', u, clicks(2), [0.5, 0.5]],
  ['U of three', u, clicks(3), [0.4, 0.2, 0.4]],
  ['U of six', u, clicks(6), [0.4, 0.05, 0.05, 0.05, 0.05, 0.4]],
  ['J of two', j, clicks(2), [0.25, 0.75]],
  ['J of four', j, clicks(4), [0.2, 0.1, 0.1, 0.6]],
  ['inverse J of two', inverseJ, clicks(2), [0.75, 0.25]],
  ['inverse J of three', inverseJ, clicks(3), [0.6, 0.2, 0.2]],
  ['W of five', w, ['click', 'click', 'form', 'click', 'click'], [0.3, 0.05, 0.3, 0.05, 0.3]],
  ['W of three', w, ['click', 'form', 'click'], [0.333333, 0.333333, 0.333333]],
  ['W without a milestone of its own', w, ['form', 'click', 'click', 'form'], [0.4, 0.1, 0.1, 0.4]],
  ['first touch', { name: 'first', kind: 'first' } as const, clicks(3), [1, 0, 0]],
  ['last touch', { name: 'last', kind: 'last' } as const, clicks(3), [0, 0, 1]],
  [
    'last non-direct',
    { name: 'lnd', kind: 'last_non_direct' } as const,
    ['click', 'click', 'direct'],
    [0, 1, 0],
  ],
  [
    'last non-direct of direct ones',
    { name: 'lnd', kind: 'last_non_direct' } as const,
    ['direct', 'direct'],
    [0, 1],
  ],
  ['linear', { name: 'linear', kind: 'linear' } as const, clicks(4), [0.25, 0.25, 0.25, 0.25]],
])('the published credits of %s', (_, model, types, expected) => {
  const found = shares(weightsOf(model, types))
  expect(found).toHaveLength(expected.length)
  found.forEach((share, at) => {
    expect(share).toBeCloseTo(expected[at] ?? -1, 5)
  })
})

function decayed(daysAgo: readonly number[], halfLifeDays: number): Fraction[] {
  const touches = daysAgo.map((days) => aJourneyTouch({ last_at: evening - days * dayMs }))
  const model = { name: 'd', kind: 'time_decay', half_life_ms: halfLifeDays * dayMs } as const
  return weigh(model, touches, { convertedAt: evening, applied })
}

// Adobe's example: touches 9, 6, 0 and 0 days before an order of 50 dollars.
test('time decay splits fifty dollars as Adobe does', () => {
  const amounts = splitAmount(5_000, decayed([9, 6, 0, 0], 7)).map(({ amountMinor }) => amountMinor)
  expect(amounts).toEqual([692, 932, 1_688, 1_688])
})

// PostHog's test, and our own arithmetic of Adobe's formula.
test.each([
  [[3, 2, 1], 1, [1 / 7, 2 / 7, 4 / 7]],
  [[20, 5, 0], 7, [0.078976, 0.348784, 0.57224]],
])('touches %j days ago with a half-life of %d days', (daysAgo, halfLife, expected) => {
  shares(decayed(daysAgo, halfLife)).forEach((share, at) => {
    expect(share).toBeCloseTo(expected[at] ?? -1, 5)
  })
})

// Snowplow's fixture splits 140 in three and comes to 140.000000000001.
test('a third each of 140 is 140 to the last fen, the earlier a fen more', () => {
  const thirds = splitAmount(14_000, weightsOf({ name: 'l', kind: 'linear' }, clicks(3)))
  expect(thirds.map(({ amountMinor }) => amountMinor)).toEqual([4_667, 4_667, 4_666])
  expect(thirds.map(({ weightPpb }) => weightPpb)).toEqual([333_333_334, 333_333_333, 333_333_333])
})

const rules: OracleRules = {
  name: 'rules',
  valid_from: 0,
  conversion: 'paid',
  windows_ms: { click: 7 * dayMs, page_view: dayMs, room_enter: 7 * dayMs, form: 30 * dayMs },
  session_gap_ms: 30 * minuteMs,
  repeat_orders: 'none',
  clicks_before_views: true,
  match_product: false,
  claims_as_touchpoints: true,
  milestone_types: ['form'],
  models: [
    { name: 'last', kind: 'last' },
    { name: 'claim', kind: 'claim' },
  ],
  touches_considered_max: 500,
  touches_counted_max: 100,
  touches_shown_max: 200,
}

const journeyOf = (
  touches: Parameters<typeof aTouchpoint>[0][],
  own: Partial<OracleRules> = {},
  order = anOrder(),
) =>
  attributeAtOnce({
    order,
    snapshots: [order],
    touches: touches.map((touch, at) => aTouchpoint({ id: `t${String(at)}`, ...touch })),
    others: [],
    rules: [{ ...rules, ...own }],
    trained: [],
  })

test('a window is inclusive to the millisecond', () => {
  const { journey } = journeyOf([
    { type: 'click', at: evening - 7 * dayMs },
    { type: 'click', at: evening - 7 * dayMs - 1, channel: 'other' },
    { type: 'form', at: evening - 30 * dayMs },
  ])
  expect(journey.map(({ id, reason }) => [id, reason])).toEqual([
    ['t2', 'eligible'],
    ['t1', 'outside_window'],
    ['t0', 'eligible'],
  ])
})

test('touches of one kind are one as long as each is less than the gap after the one before', () => {
  const at = (minutes: number) => ({ at: evening - 200 * minuteMs + minutes * minuteMs })
  const { journey } = journeyOf([at(0), at(29), at(58), at(88)])
  expect(journey.map(({ id, touches }) => [id, touches])).toEqual([
    ['t0', 3],
    ['t3', 1],
  ])
})

test('a view counts where nobody acted, and a click where somebody did', () => {
  const view = { type: 'page_view', at: evening - hourMs }
  expect(journeyOf([view]).journey.map(({ reason }) => reason)).toEqual(['eligible'])
  expect(
    journeyOf([{ type: 'click', at: evening - 2 * hourMs }, view]).journey.map(
      ({ reason }) => reason,
    ),
  ).toEqual(['eligible', 'view_beside_click'])
})

test('a claim that a recorded touch tells does not stand beside it, and splits by the net of its lines', () => {
  const claim = { channel: 'douyin.live', room: 'r1', streamer: 's', video: '', promoter: '' }
  const order = anOrder({
    lines: [
      aLine({ line_id: '1', paid_minor: 10_000, refunded_minor: 5_000, claim }),
      aLine({ line_id: '2', paid_minor: 15_000 }),
    ],
  })
  const { journey, credits } = journeyOf(
    [{ type: 'room_enter', room: 'r1', at: evening - hourMs }],
    {},
    order,
  )
  expect(journey.map(({ reason }) => reason)).toEqual(['eligible', 'same_as_touchpoint'])
  const claimed = credits.filter(({ model }) => model === 'claim')
  expect(claimed.map(({ channel, amount_minor }) => [channel, amount_minor])).toEqual([
    ['douyin.live', 5_000],
    ['direct', 15_000],
  ])
})

test('an order without a touch is credited to direct, one without payment to nobody', () => {
  expect(journeyOf([]).credits.map(({ channel, amount_minor }) => [channel, amount_minor])).toEqual(
    [
      ['direct', 10_000],
      ['direct', 10_000],
    ],
  )
  expect(journeyOf([], {}, anOrder({ paid_at: null })).credits).toEqual([])
})

const limits: CrowdLimits = {
  devicePhones: 3,
  deviceAccounts: 5,
  accountPhones: 5,
  phoneAccounts: 8,
  phoneAccountsInAll: 20,
  codePhones: 5,
  others: 1_000,
}
const seenTogether = (...sets: string[][]) =>
  findOutWhoIsWho(
    sets.map((identifiers, at) => ({ identifiers, source: 'web', id: String(at), at })),
    limits,
  )

test('two phones are one person through a code, and through nothing else', () => {
  const who = seenTogether(
    ['code:c', 'phone:a'],
    ['code:c', 'phone:b'],
    ['phone:x', 'visitor:v'],
    ['phone:y', 'visitor:v'],
  )
  expect(who.personOf('phone:a')).toBe('code:c')
  expect(who.personOf('phone:b')).toBe('code:c')
  expect(who.personOf('phone:x')).toBe('phone:x')
  expect([...who.contested]).toEqual(['visitor:v'])
  expect(who.personOf('visitor:v')).toBe('visitor:v')
})

test('a phone seen with two codes is a person of its own', () => {
  const who = seenTogether(['code:c', 'phone:a'], ['code:d', 'phone:a'])
  expect(who.personOf('phone:a')).toBe('phone:a')
})

test('the nearest of two persons has whom both can reach', () => {
  const who = seenTogether(
    ['phone:a', 'openid:x:1'],
    ['openid:x:1', 'visitor:v'],
    ['phone:b', 'device:d'],
    ['device:d', 'user:x:1'],
    ['user:x:1', 'visitor:v'],
  )
  expect(who.personOf('visitor:v')).toBe('phone:a')
})

test('who is seen with too many phones joins nobody', () => {
  const phones = ['a', 'b', 'c', 'd']
  const who = seenTogether(...phones.map((one) => [`phone:${one}`, 'visitor:v']), [
    'visitor:v',
    'visitor:w',
  ])
  expect([...who.hubs]).toEqual(['visitor:v'])
  expect(who.personOf('visitor:w')).toBe('visitor:w')
})

test('an order takes touches of a contested identifier it names, and stands alone with hubs only', () => {
  const sets = [['phone:a', 'visitor:t'], ['phone:b', 'visitor:t'], ['visitor:t']]
  const touchpoints = sets.map((identifiers, at) =>
    aTouchpoint({ id: `t${String(at)}`, identifiers, at: evening - hourMs - at }),
  )
  const orders = [
    anOrder({ order_id: 'named', identifiers: ['phone:a', 'visitor:t'] }),
    anOrder({ order_id: 'plain', identifiers: ['phone:a'] }),
    anOrder({ order_id: 'nobody', identifiers: [] }),
  ]
  const expected = foresee({
    touchpoints,
    orders,
    ...{ hubs: limits, attribution: [rules], trained: [] },
  }).orders
  const touchesOf = (id: string): number | undefined =>
    expected.get(`douyin:shop:${id}`)?.journey.reduce((sum, { touches }) => sum + touches, 0)
  expect([touchesOf('named'), touchesOf('plain'), touchesOf('nobody')]).toEqual([2, 1, 0])
  expect(expected.get('douyin:shop:nobody')?.person).toBe('order:douyin:shop:nobody')
})

test('an order told late looks at touches no further back than one told as late as an event may be', () => {
  const reached = evening - 29 * dayMs
  const ids = (acceptedAt: number): string[] =>
    journeyOf(
      [{ type: 'form', at: reached }],
      {},
      anOrder({ accepted_at: acceptedAt }),
    ).journey.map(({ id }) => id)
  // Sixty days and five minutes back: the longest window, and how late or far ahead an event may be.
  const latest = reached + 60 * dayMs + 5 * minuteMs
  expect(ids(latest)).toEqual(['t0'])
  expect(ids(latest + 1)).toEqual([])
})

test('settings that were valid when the order converted, as they understand it, apply', () => {
  const order = anOrder({ created_at: evening - dayMs, paid_at: evening })
  const named = (name: string, validFrom: number, conversion: 'paid' | 'created'): OracleRules => ({
    ...{ ...rules, name, conversion },
    valid_from: validFrom,
  })
  const chosen = (...all: OracleRules[]): string =>
    attributeAtOnce({ order, snapshots: [order], touches: [], others: [], rules: all, trained: [] })
      .settings
  expect(chosen(named('a', 0, 'paid'), named('b', evening - 1, 'created'))).toBe('a')
  expect(chosen(named('a', 0, 'created'), named('b', evening, 'paid'))).toBe('b')
  expect(chosen(named('b', evening + 2, 'paid'), named('a', evening + 1, 'paid'))).toBe('a')
})

test('of trained models the latest that was valid credits an order, each channel by its weight, its touches evenly', () => {
  const order = anOrder()
  const trained = (version: string, validFrom: number, live: number): TrainedModel => ({
    ...{ model: 'markov', version, valid_from: validFrom, trained_at: 0, unseen_ppb: 0 },
    channels: [
      { channel: 'live', weight_ppb: live },
      { channel: 'video', weight_ppb: 1_000_000_000 - live },
    ],
  })
  const all = [
    ...[trained('b', evening, 600_000_000), trained('a', evening, 0)],
    ...[trained('z', evening - 1, 1), trained('c', evening + 1, 2)],
  ]
  const weights = (channels: readonly string[], published = all): unknown[] =>
    attributeAtOnce({
      ...{ order, snapshots: [order], others: [], trained: published },
      touches: channels.map((channel, at) =>
        aTouchpoint({ id: `t${String(at)}`, channel, at: evening - hourMs + at }),
      ),
      rules: [{ ...rules, models: [{ name: 'm', kind: 'markov' }], session_gap_ms: 0 }],
    }).credits.map(({ channel, weight_ppb: weight }) => [channel, weight])
  expect(weights(['live', 'video', 'live'])).toEqual([
    ['live', 300_000_000],
    ['video', 400_000_000],
    ['live', 300_000_000],
  ])
  expect(weights(['tv', 'live'])).toEqual([['live', 1_000_000_000]])
  expect(weights(['tv', 'radio'])).toEqual([
    ['tv', 500_000_000],
    ['radio', 500_000_000],
  ])
  expect(weights([])).toEqual([['direct', 1_000_000_000]])
  expect(weights(['live'], [])).toEqual([])
})
