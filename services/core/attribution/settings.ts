// What the attribution of an order depends on besides the order and its touches. Several settings may stand
// side by side; the one with the latest valid_from not after the conversion applies, so that a late run uses
// what an early one used.
import type { TouchpointType } from '../touchpoint-types'

/** A rule of a custom model: touches that match all given fields. */
export interface CustomRule {
  readonly match: Readonly<Partial<Record<'type' | 'channel' | 'platform' | 'streamer', string>>>
  /** Factor on the weight; 0 excludes the touch from this model. */
  readonly multiplier: number
}

export type ModelSettings =
  | {
      readonly name: string
      readonly kind: 'first' | 'last' | 'last_non_direct' | 'linear' | 'w_shape'
    }
  | { readonly name: string; readonly kind: 'claim' }
  /** Data-driven: by weights of channels that were computed from all journeys. */
  | { readonly name: string; readonly kind: 'markov' }
  | { readonly name: string; readonly kind: 'shapley' }
  | {
      readonly name: string
      readonly kind: 'position'
      /** Weights of the first, all middle, and the last touch; they sum to 1. */
      readonly ends: readonly [first: number, middle: number, last: number]
    }
  | { readonly name: string; readonly kind: 'time_decay'; readonly half_life_ms: number }
  | {
      readonly name: string
      readonly kind: 'custom'
      readonly base: 'linear' | 'time_decay'
      readonly half_life_ms: number
      readonly rules: readonly CustomRule[]
    }

export interface AttributionSettings {
  readonly name: string
  /** Epoch milliseconds; applies to conversions from then on. */
  readonly valid_from: number
  /** Which moment of an order counts as the conversion. */
  readonly conversion: 'paid' | 'created'
  /** How long before the conversion a touch of a type may lie, inclusive. */
  readonly windows_ms: Readonly<Record<TouchpointType, number>>
  /** Touches of one kind less than this apart are one. */
  readonly session_gap_ms: number
  /** Whether touches before the person's previous order still count. */
  readonly repeat_orders: 'none' | 'reset' | 'reset_per_sku'
  /** Views do not count beside a click, a scan or an entered room. */
  readonly clicks_before_views: boolean
  /** A touch that showed a product counts only for orders of that product. */
  readonly match_product: boolean
  /** What a platform claims counts as a touch where no recorded touch says the same. */
  readonly claims_as_touchpoints: boolean
  /** Touch types that can be the middle pillar of the W shape; the earliest distinct one is. */
  readonly milestone_types: readonly string[]
  readonly models: readonly ModelSettings[]
  readonly touches_considered_max: number
  /** Of those that count at most so many are credited, the latest. */
  readonly touches_counted_max: number
  readonly touches_shown_max: number
}

const dayMs = 86_400_000

/** Default settings; README says why each is what it is. */
export const defaultSettings: AttributionSettings = {
  name: 'default',
  valid_from: 0,
  conversion: 'paid',
  windows_ms: {
    impression: dayMs,
    page_view: dayMs,
    share: 7 * dayMs,
    form: 30 * dayMs,
    click: 7 * dayMs,
    scan: 30 * dayMs,
    room_enter: 7 * dayMs,
    card_click: 7 * dayMs,
  },
  session_gap_ms: 30 * 60_000,
  repeat_orders: 'none',
  clicks_before_views: true,
  match_product: false,
  claims_as_touchpoints: true,
  milestone_types: ['form', 'room_enter'],
  models: [
    { name: 'first', kind: 'first' },
    { name: 'last', kind: 'last' },
    { name: 'last_non_direct', kind: 'last_non_direct' },
    { name: 'linear', kind: 'linear' },
    { name: 'u_shape', kind: 'position', ends: [0.4, 0.2, 0.4] },
    { name: 'w_shape', kind: 'w_shape' },
    { name: 'j_shape', kind: 'position', ends: [0.2, 0.2, 0.6] },
    { name: 'inverse_j', kind: 'position', ends: [0.6, 0.2, 0.2] },
    { name: 'time_decay', kind: 'time_decay', half_life_ms: 7 * dayMs },
    {
      name: 'custom',
      kind: 'custom',
      base: 'time_decay',
      half_life_ms: 7 * dayMs,
      rules: [
        { match: { type: 'share' }, multiplier: 0.5 },
        { match: { channel: 'direct' }, multiplier: 0 },
      ],
    },
    { name: 'markov', kind: 'markov' },
    { name: 'shapley', kind: 'shapley' },
    { name: 'claim', kind: 'claim' },
  ],
  touches_considered_max: 500,
  touches_counted_max: 100,
  touches_shown_max: 200,
}

export function longestWindowMs(settings: AttributionSettings): number {
  return Math.max(...Object.values(settings.windows_ms))
}
