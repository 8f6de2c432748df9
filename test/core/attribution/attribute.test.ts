import { attribute, type Attribution } from '../../../services/core/attribution/attribute'
import {
  defaultSettings,
  type AttributionSettings,
} from '../../../services/core/attribution/settings'
import type { Order, Touchpoint, TrainedModel } from '../../../services/core/records'
import { aLine, anOrder, aTouchpoint, dayMs, evening, hourMs, minuteMs } from '../../given'

interface Given {
  readonly order?: Order
  readonly touches?: readonly Touchpoint[]
  readonly settings?: Partial<AttributionSettings>
  readonly earlierOrders?: { convertedAt: number; skus: string[] }[]
  readonly trained?: readonly TrainedModel[]
}

function attributed({ order, touches, settings, earlierOrders, trained }: Given): Attribution {
  return attribute({
    order: order ?? anOrder(),
    touches: touches ?? [],
    earlierOrders: earlierOrders ?? [],
    settings: { ...defaultSettings, ...settings },
    trained: (kind) => trained?.find(({ model }) => model === kind),
  })
}

function amounts(
  { credits }: Attribution,
  model: string,
): [channel: string, amountMinor: number][] {
  return credits
    .filter((credit) => credit.model === model)
    .map(({ channel, amount_minor }) => [channel, amount_minor])
}

function reasons({ journey }: Attribution): Record<string, string> {
  return Object.fromEntries(journey.map(({ id, reason }) => [id, reason]))
}

const claim = { channel: 'douyin.live', room: 'r1', streamer: 'lin', video: '', promoter: '' }

test('an order with no touch in the window is credited to direct under every model', () => {
  const result = attributed({
    touches: [aTouchpoint({ at: evening - 8 * dayMs })],
    trained: ['markov', 'shapley'].map((model) => ({
      ...{ model, version: 'v1', valid_from: 0, trained_at: 0, unseen_ppb: 1 },
      channels: [{ channel: 'live', weight_ppb: 1_000_000_000 }],
    })),
  })
  for (const { name } of defaultSettings.models) {
    expect(amounts(result, name)).toEqual([['direct', 10_000]])
  }
  expect(reasons(result)).toEqual({ 'touch-1': 'outside_window' })
})

test('a window is inclusive to the millisecond', () => {
  const inside = aTouchpoint({ id: 'in', at: evening - 7 * dayMs })
  const outside = aTouchpoint({ id: 'out', at: evening - 7 * dayMs - 1, channel: 'other' })
  expect(reasons(attributed({ touches: [inside, outside] }))).toEqual({
    in: 'eligible',
    out: 'outside_window',
  })
})

test('each touch type has its own window', () => {
  const at = evening - 10 * dayMs
  const touches = [aTouchpoint({ id: 'scan', type: 'scan', at }), aTouchpoint({ id: 'click', at })]
  expect(reasons(attributed({ touches }))).toEqual({ scan: 'eligible', click: 'outside_window' })
})

test('room re-entries less than half an hour apart, chained, are one touch with the id of the earliest', () => {
  const entries = [0, 29, 58, 90].map((minute) =>
    aTouchpoint({
      id: `m${minute}`,
      type: 'room_enter',
      room: 'r1',
      at: evening - 3 * hourMs + minute * minuteMs,
    }),
  )
  const { journey } = attributed({ touches: entries })
  expect(journey.map(({ id, touches }) => [id, touches])).toEqual([
    ['m0', 3],
    ['m90', 1],
  ])
  expect(journey[0]?.last_at).toBe(evening - 3 * hourMs + 58 * minuteMs)
})

test('a collapsed touch counts while its latest entry is inside the window', () => {
  const start = evening - 7 * dayMs - 10 * minuteMs
  const touches = [0, 20].map((minute) =>
    aTouchpoint({ id: `m${minute}`, type: 'room_enter', at: start + minute * minuteMs }),
  )
  expect(reasons(attributed({ touches }))).toEqual({ m0: 'eligible' })
})

test('at one moment a card click counts as later than a click, and a click than a share', () => {
  const touches = ['card_click', 'share', 'click'].map((type) =>
    aTouchpoint({ id: type, type, channel: type }),
  )
  expect(amounts(attributed({ touches }), 'last')).toEqual([['card_click', 10_000]])
  expect(amounts(attributed({ touches }), 'first')).toEqual([['share', 10_000]])
})

test('a view does not count beside a click, and counts alone', () => {
  const view = aTouchpoint({ id: 'view', type: 'page_view', at: evening - hourMs, channel: 'web' })
  const click = aTouchpoint({ id: 'click', at: evening - 2 * hourMs })
  expect(reasons(attributed({ touches: [view, click] }))).toEqual({
    view: 'view_beside_click',
    click: 'eligible',
  })
  expect(amounts(attributed({ touches: [view] }), 'last')).toEqual([['web', 10_000]])
})

test('an order that is not paid has a journey and no credits', () => {
  const order = anOrder({ paid_at: null, created_at: evening })
  const result = attributed({ order, touches: [aTouchpoint({ at: evening - hourMs })] })
  expect(result.credits).toEqual([])
  expect(result.converted_at).toBeNull()
  expect(reasons(result)).toEqual({ 'touch-1': 'eligible' })
})

test('a refund scales every credit in the original proportions and keeps the weights', () => {
  const touches = [1, 2, 3].map((hours) =>
    aTouchpoint({ id: `h${hours}`, channel: `c${hours}`, at: evening - hours * hourMs }),
  )
  const paid = attributed({ touches })
  const refunded = attributed({ touches, order: anOrder({ refunded_minor: 2_501 }) })
  expect(amounts(refunded, 'u_shape')).toEqual([
    ['c3', 3_000],
    ['c2', 1_500],
    ['c1', 2_999],
  ])
  expect(refunded.credits.map(({ weight_ppb }) => weight_ppb)).toEqual(
    paid.credits.map(({ weight_ppb }) => weight_ppb),
  )
})

test('a fully refunded order keeps its weights with credits of 0', () => {
  const result = attributed({
    touches: [aTouchpoint()],
    order: anOrder({ refunded_minor: 10_000 }),
  })
  expect(amounts(result, 'last')).toEqual([['douyin.video', 0]])
  expect(result.credits.find(({ model }) => model === 'last')?.weight_ppb).toBe(1e9)
})

test('the claim model splits by the net amount of the lines that carry each claim', () => {
  const lines = [
    aLine({ line_id: '1', paid_minor: 6_000, claim }),
    aLine({
      line_id: '2',
      paid_minor: 3_000,
      refunded_minor: 1_000,
      claim: { ...claim, room: 'r2' },
    }),
    aLine({ line_id: '3', paid_minor: 2_000 }),
  ]
  const { credits } = attributed({ order: anOrder({ lines }) })
  const claimed = credits.filter(({ model }) => model === 'claim')
  expect(claimed.map(({ room, channel, amount_minor }) => [room, channel, amount_minor])).toEqual([
    ['r1', 'douyin.live', 6_000],
    ['r2', 'douyin.live', 2_000],
    ['', 'direct', 2_000],
  ])
})

test('freight is shared like the lines, so that the claim model sums to the order too', () => {
  const order = anOrder({ lines: [aLine({ paid_minor: 9_000, claim })], freight_minor: 1_000 })
  expect(amounts(attributed({ order }), 'claim')).toEqual([['douyin.live', 10_000]])
})

test('a claim counts as a touch where no recorded touch tells the same', () => {
  const order = anOrder({ lines: [aLine({ claim })] })
  expect(amounts(attributed({ order }), 'last')).toEqual([['douyin.live', 10_000]])
  const entered = aTouchpoint({
    id: 'entered',
    type: 'room_enter',
    room: 'r1',
    channel: 'pixel',
    at: evening - hourMs,
  })
  const both = attributed({ order, touches: [entered] })
  expect(amounts(both, 'linear')).toEqual([['pixel', 10_000]])
  expect(both.journey.map(({ source, reason }) => [source, reason])).toEqual([
    ['web', 'eligible'],
    ['claim', 'same_as_touchpoint'],
  ])
})

test('a view of the claimed room does not take the claim with it when it does not count itself', () => {
  const order = anOrder({ lines: [aLine({ claim })] })
  const view = aTouchpoint({
    id: 'view',
    type: 'page_view',
    room: 'r1',
    channel: 'web',
    at: evening - hourMs,
  })
  expect(amounts(attributed({ order, touches: [view] }), 'last')).toEqual([['douyin.live', 10_000]])
})

test('of more touches than may count the latest do', () => {
  const touches = [3, 2, 1].map((hours) =>
    aTouchpoint({ id: `h${hours}`, channel: `c${hours}`, at: evening - hours * hourMs }),
  )
  const result = attributed({ touches, settings: { touches_counted_max: 2 } })
  expect(reasons(result)).toEqual({ h3: 'beyond_limit', h2: 'eligible', h1: 'eligible' })
  expect(amounts(result, 'first')).toEqual([['c2', 10_000]])
})

test('with reset, touches before the previous order no longer count', () => {
  const touches = [5, 1].map((hours) =>
    aTouchpoint({ id: `h${hours}`, channel: `c${hours}`, at: evening - hours * hourMs }),
  )
  const earlierOrders = [{ convertedAt: evening - 2 * hourMs, skus: ['SKU-0002'] }]
  const reset = attributed({ touches, earlierOrders, settings: { repeat_orders: 'reset' } })
  expect(reasons(reset)).toEqual({ h5: 'before_previous_order', h1: 'eligible' })
  const perSku = attributed({
    touches,
    earlierOrders,
    settings: { repeat_orders: 'reset_per_sku' },
  })
  expect(reasons(perSku)).toEqual({ h5: 'eligible', h1: 'eligible' })
  expect(reasons(attributed({ touches, earlierOrders }))).toEqual({
    h5: 'eligible',
    h1: 'eligible',
  })
})

test('with product match, a touch that showed another product does not count', () => {
  const touches = [
    aTouchpoint({ id: 'other', sku: 'SKU-0002' }),
    aTouchpoint({ id: 'bought', sku: 'SKU-0001' }),
  ]
  expect(reasons(attributed({ touches, settings: { match_product: true } }))).toEqual({
    other: 'other_product',
    bought: 'eligible',
  })
})

test('the latest touches are shown, the rest are counted by reason, and all that count are credited', () => {
  const touches = Array.from({ length: 30 }, (_, at) =>
    aTouchpoint({ id: `t${at}`, channel: `c${at}`, at: evening - (at + 1) * minuteMs }),
  )
  const result = attributed({ touches, settings: { touches_shown_max: 10 } })
  expect(result.journey).toHaveLength(10)
  expect(result.not_shown).toEqual({ eligible: 20 })
  expect(amounts(result, 'linear')).toHaveLength(30)
})

test('a custom model that excludes every touch credits direct', () => {
  const touches = [aTouchpoint({ channel: 'direct' })]
  expect(amounts(attributed({ touches }), 'custom')).toEqual([['direct', 10_000]])
})
