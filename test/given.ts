// Builders that show only what matters to a test.
import type {
  AdSpend,
  JourneyTouch,
  LiveSession,
  Order,
  OrderLine,
  ProductCost,
  SkuMapping,
  StockLevel,
  Touchpoint,
} from '../services/core/records'
import { sortIdentifiers } from '../services/core/identity/node'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
/** A Friday evening. */
export const evening = Date.UTC(2026, 10, 20, 12)

export function aTouchpoint(given: Partial<Touchpoint> = {}): Touchpoint {
  const at = given.at ?? evening
  return {
    source: 'web',
    id: 'touch-1',
    type: 'click',
    sent_at: null,
    accepted_at: at,
    channel: 'douyin.video',
    platform: 'douyin',
    shop: '',
    room: '',
    streamer: '',
    video: '',
    sku: '',
    campaign: '',
    campaign_source: '',
    medium: '',
    content: '',
    term: '',
    link: '',
    placement: '',
    page: '',
    referrer: '',
    shared_by: '',
    ...given,
    at,
    identifiers: sortIdentifiers(given.identifiers ?? ['visitor:v1']),
  }
}

export function aLine(given: Partial<OrderLine> = {}): OrderLine {
  return {
    line_id: '1',
    sku: 'SKU-0001',
    title: '',
    quantity: 1,
    paid_minor: 10_000,
    refunded_minor: 0,
    refunded_quantity: 0,
    warehouse: '',
    claim: null,
    ...given,
  }
}

export function anOrder(given: Partial<Order> = {}): Order {
  const lines = given.lines ?? [aLine()]
  const orderId = given.order_id ?? '1'
  const paidAt = given.paid_at === undefined ? evening : given.paid_at
  const createdAt = given.created_at ?? (paidAt ?? evening) - minuteMs
  return {
    order_key: `douyin:shop:${orderId}`,
    platform: 'douyin',
    shop: 'shop',
    source: 'gateway',
    status: paidAt === null ? 'created' : 'paid',
    kind: 'sale',
    currency: 'CNY',
    updated_at: paidAt ?? createdAt,
    accepted_at: paidAt ?? createdAt,
    paid_minor:
      lines.reduce((sum, { paid_minor }) => sum + paid_minor, 0) + (given.freight_minor ?? 0),
    refunded_minor: lines.reduce((sum, { refunded_minor }) => sum + refunded_minor, 0),
    freight_minor: 0,
    settlement: 'unsettled',
    settled_minor: 0,
    sealed_buyer: null,
    ...given,
    lines,
    order_id: orderId,
    paid_at: paidAt,
    created_at: createdAt,
    identifiers: sortIdentifiers(given.identifiers ?? ['phone:p1']),
  }
}

export function aJourneyTouch(given: Partial<JourneyTouch> = {}): JourneyTouch {
  const at = given.last_at ?? given.first_at ?? evening
  return {
    source: 'web',
    id: 'touch-1',
    type: 'click',
    first_at: at,
    last_at: at,
    touches: 1,
    channel: 'douyin.video',
    platform: 'douyin',
    room: '',
    streamer: '',
    video: '',
    sku: '',
    campaign: '',
    promoter: '',
    link: '',
    counted: true,
    reason: 'eligible',
    ...given,
  }
}

const stated = { withdrawn: false, source: 'finance', updated_at: null, accepted_at: evening }

export function aLiveSession(given: Partial<LiveSession> = {}): LiveSession {
  return {
    platform: 'douyin',
    room: 'room-1',
    session: '',
    shop: '',
    streamer: 'lin',
    title: '',
    started_at: evening,
    ended_at: evening + 2 * hourMs,
    currency: 'CNY',
    slot_fee_minor: 500_000,
    commission_basis_points: 2_000,
    ...stated,
    ...given,
  }
}

export function anAdSpend(given: Partial<AdSpend> = {}): AdSpend {
  return {
    id: 'spend-1',
    from_at: evening,
    to_at: evening + hourMs,
    platform: 'douyin',
    shop: '',
    channel: 'douyin.live',
    campaign: '',
    room: 'room-1',
    streamer: '',
    currency: 'CNY',
    amount_minor: 120_000,
    ...stated,
    ...given,
  }
}

export function aProductCost(given: Partial<ProductCost> = {}): ProductCost {
  return {
    ...{ sku: 'SKU-0001', currency: 'CNY', valid_from: evening, cost_minor: 4_000 },
    ...stated,
    ...given,
  }
}

export function aSkuMapping(given: Partial<SkuMapping> = {}): SkuMapping {
  return {
    ...{ platform: 'douyin', shop: '', platform_sku: 'dy-1', sku: 'SKU-0001', pieces: 1 },
    ...stated,
    ...given,
  }
}

export function aStockLevel(given: Partial<StockLevel> = {}): StockLevel {
  return {
    ...{ sku: 'SKU-0001', warehouse: 'WH', quantity: 100, forecast: 90, withdrawn: false },
    ...{ source: 'erp', read_at: evening, ...given },
  }
}
