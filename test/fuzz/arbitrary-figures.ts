// Figures that are nearly right.
import fc from 'fast-check'
import { awkwardText, awkwardValue, edited } from './arbitrary-json'
import { code, edits, mostly, short, signedRequest } from './arbitrary-requests'
import { now } from './fuzzed-edges'

const near = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: now - 90 * 86_400_000, max: now + 86_400_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1e10, max: 8.6e15 }) },
)
const amount = fc.integer({ min: 0, max: 1e7 })
const platformName = mostly('douyin', 'wechat', '', 'Douyin')
const shopName = mostly('S1', 'S2', '', 'S3')
const currency = mostly('CNY', 'USD', 'XXY')
const stated = { withdrawn: fc.boolean(), updated_at: near }
const figure = {
  'live-sessions': fc.record(
    {
      ...{ platform: platformName, room: short, session: short, shop: shopName, streamer: short },
      ...{ title: awkwardText, started_at: near, ended_at: near, currency, slot_fee_minor: amount },
      ...{ commission_basis_points: mostly(2_000, 0, 10_001, -1), ...stated },
    },
    { requiredKeys: ['platform', 'room', 'streamer', 'started_at', 'currency'] },
  ),
  'ad-spend': fc.record(
    {
      ...{ id: short, from_at: near, to_at: near, platform: platformName, shop: shopName },
      ...{ channel: code, campaign: short, room: short, streamer: short, currency },
      ...{ amount_minor: amount, ...stated },
    },
    { requiredKeys: ['id', 'from_at', 'to_at', 'currency', 'amount_minor'] },
  ),
  'product-costs': fc.record(
    { sku: short, currency, valid_from: near, cost_minor: amount, ...stated },
    { requiredKeys: ['sku', 'currency', 'valid_from', 'cost_minor'] },
  ),
  'sku-mappings': fc.record(
    {
      ...{ platform: platformName, shop: shopName, platform_sku: short, sku: short },
      ...{ pieces: mostly(1, 2, 0, -1), ...stated },
    },
    { requiredKeys: ['platform', 'platform_sku', 'sku'] },
  ),
} as const
const figureNames = [
  ...['platform', 'room', 'session', 'shop', 'streamer', 'started_at', 'ended_at', 'currency'],
  ...['id', 'from_at', 'to_at', 'channel', 'amount_minor', 'sku', 'valid_from', 'cost_minor'],
  ...['platform_sku', 'pieces', 'withdrawn', 'updated_at'],
]

function figuresBody(kind: keyof typeof figure): fc.Arbitrary<unknown> {
  const badFigure = fc
    .tuple<[object, (readonly [string, unknown])[]]>(figure[kind], edits(figureNames))
    .map(([base, changes]) => edited(base, changes))
  return fc.oneof(
    { weight: 5, arbitrary: figure[kind] },
    { weight: 5, arbitrary: badFigure },
    { weight: 3, arbitrary: fc.array(badFigure, { maxLength: 4 }) },
    { weight: 1, arbitrary: awkwardValue },
  )
}

const figureSource = mostly('many', 'finance', 'finance', 'main', 'nobody', '__proto__', '%00')

/** POST /figures/… */
export const figureRequest: fc.Arbitrary<Buffer> = fc.oneof(
  ...(Object.keys(figure) as (keyof typeof figure)[]).map((kind) => ({
    weight: 9,
    arbitrary: signedRequest(figuresBody(kind), fc.constant(`figures/${kind}`), figureSource),
  })),
  {
    weight: 1,
    arbitrary: signedRequest(
      figuresBody('ad-spend'),
      fc.constantFrom('figures/stock-levels', 'figures/__proto__', 'figures/%2e%2e', 'figures'),
      figureSource,
    ),
  },
)
