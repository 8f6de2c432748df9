import { figureFrom, inOrder, type FigureContext } from '../../../services/core/figures/figure-from'
import type { FigureMessage } from '../../../services/core/figures/figure'
import { aLiveSession, anAdSpend, aProductCost, aSkuMapping, dayMs, evening } from '../../given'

const finance: FigureContext = { source: { name: 'finance', scope: null }, acceptedAt: evening }
const ofDouyin: FigureContext = {
  source: { name: 'douyin-main', scope: { platform: 'douyin', shops: ['S1'] } },
  acceptedAt: evening,
}

test('a figure becomes a record that says who stated it and when it was accepted', () => {
  const { key, figure, faults } = figureFrom('ad-spend', anAdSpend({ source: 'x' }), finance)
  expect(faults).toEqual([])
  expect(key).toBe('finance:spend-1')
  expect(figure).toEqual(anAdSpend({ source: 'finance', accepted_at: evening }))
})

test.each([
  ['live-sessions', aLiveSession({ room: 'a:b', session: 'c' }), 'douyin:a%3Ab:c'],
  ['live-sessions', aLiveSession({ room: 'a', session: 'b:c' }), 'douyin:a:b%3Ac'],
  ['ad-spend', anAdSpend({ id: '100%' }), 'finance:100%25'],
  ['product-costs', aProductCost(), `SKU-0001:CNY:${String(evening)}`],
  ['sku-mappings', aSkuMapping({ shop: 'S1' }), 'douyin:S1:dy-1'],
] as const)('%s have keys that no other has', (kind, message, key) => {
  expect(figureFrom(kind, message as FigureMessage, finance).key).toBe(key)
})

const later = evening + 1
test.each([
  [
    'a session that ends before it starts',
    'live-sessions',
    aLiveSession({ ended_at: evening }),
    'ended_at',
  ],
  [
    'a session of 32 days',
    'live-sessions',
    aLiveSession({ ended_at: evening + 32 * dayMs }),
    'ended_at',
  ],
  ['spend over no time', 'ad-spend', anAdSpend({ to_at: evening }), 'to_at'],
  ['spend over 367 days', 'ad-spend', anAdSpend({ to_at: evening + 367 * dayMs }), 'to_at'],
  ['an unknown currency', 'product-costs', aProductCost({ currency: 'RMB' }), 'currency'],
  [
    'a cost in 401 days',
    'product-costs',
    aProductCost({ valid_from: evening + 401 * dayMs }),
    'valid_from',
  ],
  [
    'news from the future',
    'sku-mappings',
    aSkuMapping({ updated_at: evening + 300_001 }),
    'updated_at',
  ],
  ['a room of no platform', 'live-sessions', aLiveSession({ platform: '' }), 'platform'],
] as const)('%s is refused by field', (_what, kind, message, field) => {
  const verdict = figureFrom(kind, message as FigureMessage, finance)
  expect(verdict.figure).toBeNull()
  expect(verdict.faults.map((fault) => fault.field)).toEqual([field])
})

test('a session may be announced before it has an end, and spend may be for no platform in particular', () => {
  expect(figureFrom('live-sessions', aLiveSession({ ended_at: null }), finance).faults).toEqual([])
  expect(figureFrom('ad-spend', anAdSpend({ platform: '' }), finance).faults).toEqual([])
})

test('a source of one platform speaks of that platform and its shops only', () => {
  const own = figureFrom('sku-mappings', aSkuMapping({ platform: '', shop: 'S1' }), ofDouyin)
  expect(own.figure).toMatchObject({ platform: 'douyin', shop: 'S1' })
  const foreign = figureFrom('ad-spend', anAdSpend({ platform: 'wechat', shop: 'S2' }), ofDouyin)
  expect(foreign.faults.map(({ field }) => field)).toEqual(['platform', 'shop'])
  expect(figureFrom('product-costs', aProductCost(), ofDouyin).faults).toEqual([])
})

test('of two figures with one key in one request the later is accepted later', () => {
  const verdicts = inOrder(
    [anAdSpend(), anAdSpend({ id: 'other' }), anAdSpend({ amount_minor: 1 })].map((message) =>
      figureFrom('ad-spend', message, finance),
    ),
  )
  expect(verdicts.map(({ figure }) => figure?.accepted_at)).toEqual([evening, evening, later])
})
