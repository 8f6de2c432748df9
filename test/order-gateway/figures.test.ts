import { figureKinds, figureTopics, type FigureKind } from '../../services/core/figures/figure'
import type { AdSpend } from '../../services/core/records'
import { createAcceptFigures } from '../../services/order-gateway/accept-figures'
import { createGatewayApp } from '../../services/order-gateway/app'
import { gatewayIntake, type GatewayTopic } from '../../services/order-gateway/gateway-intake'
import { figureFields } from '../../services/order-gateway/read-figure'
import { createReplays } from '../../services/order-gateway/replays'
import { signatureOf } from '../../services/order-gateway/signature'
import { gatewaySources } from '../../services/order-gateway/sources'
import { readAvroRecords } from '../../services/runtime/schemas'
import type { EdgeGuardSettings } from '../../services/runtime/edge-guard'
import { goesTo, topics, type Placed } from '../../services/core/topics'
import { hourMs } from '../given'
import { createEdgeBench, createTestGuard, serve, type RunningServer } from '../support/edge-fakes'

const now = 1_767_225_600_000
const secret = 'first-secret-0123456'
const sources = gatewaySources.parse([
  { name: 'finance', secrets: [secret], figures: [...figureKinds] },
  {
    ...{ name: 'douyin-main', secrets: [secret], platform: 'douyin', shops: ['S1'] },
    figures: ['live-sessions'],
  },
  { name: 'orders-only', secrets: [secret], platform: 'douyin', shops: ['S1'] },
])

const running: RunningServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})

/** A gateway whose orders nobody waits for. */
async function startGateway(own: Partial<EdgeGuardSettings> = {}) {
  const { logger, metrics } = createEdgeBench('AdSpend', ({ id }) => id)
  const kept: Placed<GatewayTopic>[] = []
  const disk = { room: true }
  const { figures } = gatewayIntake({
    keep: (placed) => {
      if (!disk.room) return Promise.resolve('unavailable')
      kept.push(...placed)
      return Promise.resolve('kept')
    },
  })
  const guard = createTestGuard({ logger, metrics }, own, () => now)
  const app = createGatewayApp({
    ...{ logger, metrics, sources, guard, bodyBytesMax: 100_000, ordersMax: 3, figuresMax: 3 },
    accept: () => Promise.resolve([]),
    acceptFigures: createAcceptFigures({ intake: figures, metrics, now: () => now }),
    replays: createReplays(100, () => now),
    now: () => now,
    signatureAgeMaxSeconds: 300,
  })
  const server = await serve(app, guard)
  running.push(server)
  const post = (path: string, body: unknown) => {
    const text = JSON.stringify(body)
    const signature = signatureOf(secret, now / 1000, Buffer.from(text)).toString('hex')
    return fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'x-tributary-signature': `t=${now / 1000},v1=${signature}` },
      body: text,
    })
  }
  return { kept, disk, post, metrics }
}

const spend = {
  id: 'p-1',
  from_at: '2025-12-31T20:00:00+08:00',
  to_at: '2025-12-31T22:00:00+08:00',
  channel: 'douyin.live',
  room: '直播间-1',
  currency: 'CNY',
  amount_minor: 50_000,
}
const whole: Record<FigureKind, object> = {
  'ad-spend': spend,
  'live-sessions': {
    ...{ platform: 'douyin', room: 'r1', streamer: 'lin', started_at: now, currency: 'CNY' },
  },
  'product-costs': { sku: 'SKU-1', currency: 'CNY', valid_from: now, cost_minor: 4_000 },
  'sku-mappings': { platform: 'douyin', platform_sku: 'dy-1', sku: 'SKU-1' },
}

test.each(figureKinds)('%s are kept for their own topic, under their key', async (kind) => {
  const { post, kept } = await startGateway()
  const response = await post(`/figures/${kind}/finance`, whole[kind])
  expect(response.status).toBe(200)
  const { figures } = (await response.json()) as { figures: { key: string }[] }
  expect(kept.map(({ topic, key }) => [topic.name, key])).toEqual([[kind, figures[0]?.key]])
  expect(kept[0]?.value).toMatchObject({ source: 'finance', accepted_at: now, withdrawn: false })
})

test('what a figure does not say is what its schema says by default', async () => {
  const { post, kept } = await startGateway()
  await post('/figures/ad-spend/finance', spend)
  const [placed] = kept
  if (placed === undefined || !goesTo(placed, topics.adSpend)) throw new Error('no spend')
  expect(placed.value).toEqual<AdSpend>({
    ...spend,
    ...{ from_at: now - 12 * hourMs, to_at: now - 10 * hourMs, platform: '', shop: '' },
    ...{ campaign: '', streamer: '', withdrawn: false, source: 'finance' },
    ...{ updated_at: null, accepted_at: now },
  })
})

test('of several figures the good ones are taken, and each bad one is named with field and fault', async () => {
  const { post, kept } = await startGateway()
  const bad = { ...spend, amount_minor: 12.5, chanel: 'x' }
  const response = await post('/figures/ad-spend/finance', [spend, bad, 7])
  expect(response.status).toBe(422)
  expect(await response.json()).toEqual({
    error: '2 of 3 figures refused',
    accepted: 1,
    rejected: 2,
    figures: [
      { index: 0, key: 'finance:p-1', status: 'accepted' },
      {
        ...{ index: 1, key: '', status: 'rejected' },
        faults: [
          { field: 'amount_minor', fault: 'must be a whole number of minor units, 0 or more' },
          { field: 'chanel', fault: 'unknown field' },
        ],
      },
      {
        ...{ index: 2, key: '', status: 'rejected' },
        faults: [{ field: 'figure', fault: 'must be an object' }],
      },
    ],
  })
  expect(kept).toHaveLength(1)
})

test('the same signed request again has no second effect', async () => {
  const { post, kept } = await startGateway()
  await post('/figures/ad-spend/finance', spend)
  const second = await post('/figures/ad-spend/finance', spend)
  expect(await second.json()).toMatchObject({ accepted: 1, duplicate: true })
  expect(kept).toHaveLength(1)
})

test('the same bytes signed for one kind are none that were remembered for another', async () => {
  const { post, kept } = await startGateway()
  const both = { ...whole['sku-mappings'] }
  await post('/figures/sku-mappings/finance', both)
  const other = await post('/figures/live-sessions/finance', both)
  expect(await other.json()).not.toHaveProperty('duplicate')
  expect(kept).toHaveLength(1)
})

test.each([
  ['/figures/ad-spend/douyin-main', 403, 'this source may send no ad-spend'],
  ['/figures/ad-spend/orders-only', 403, 'this source may send no ad-spend'],
  ['/orders/finance', 403, 'this source may send no orders'],
  ['/figures/stock-levels/finance', 404, 'no such kind of figures'],
  ['/figures/ad-spend/nobody', 401, 'wrong signature'],
])('%s is answered %d', async (path, status, words) => {
  const { post, kept } = await startGateway()
  const response = await post(path, spend)
  expect(response.status).toBe(status)
  expect(((await response.json()) as { error: string }).error).toContain(words)
  expect(kept).toEqual([])
})

test('more figures than one request may hold are refused as a whole', async () => {
  const { post } = await startGateway()
  const response = await post('/figures/ad-spend/finance', [spend, spend, spend, spend])
  expect(await response.json()).toEqual({ error: 'too many figures: 4, at most 3' })
})

test('figures that neither Kafka nor the disk took are answered 503, and taken when they come again', async () => {
  const { post, disk, kept } = await startGateway()
  disk.room = false
  expect((await post('/figures/ad-spend/finance', spend)).status).toBe(503)
  disk.room = true
  expect((await post('/figures/ad-spend/finance', spend)).status).toBe(200)
  expect(kept).toHaveLength(1)
})

test('a source that states too many figures hears 429', async () => {
  const { post } = await startGateway({ RECORDS_PER_SECOND_MAX: 0.1 })
  expect((await post('/figures/ad-spend/finance', spend)).status).toBe(200)
  expect((await post('/figures/ad-spend/finance', { ...spend, id: '2' })).status).toBe(429)
})

test('what became of figures is counted by kind and field', async () => {
  const { post, metrics } = await startGateway()
  await post('/figures/ad-spend/finance', [spend, { ...spend, currency: 'RMB' }, { id: 'x' }])
  const text = await metrics.registry.metrics()
  expect(text).toContain('records_total{stage="ad-spend",outcome="accepted",reason=""} 1')
  expect(text).toContain('records_total{stage="ad-spend",outcome="rejected",reason="currency"} 1')
  expect(text).toContain('records_total{stage="ad-spend",outcome="rejected",reason="from_at"} 1')
})

test.each(figureKinds)('what may be stated of %s is what their schema holds', (kind) => {
  const { fields = [] } = readAvroRecords().get(figureTopics[kind].record) ?? {}
  const names = fields.map(({ name }) => name)
  const own = names.filter((name) => name !== 'source' && name !== 'accepted_at')
  expect([...figureFields(kind)].sort()).toEqual(own.sort())
})
