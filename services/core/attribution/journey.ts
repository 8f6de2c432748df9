// From the touches of a person to the journey of one order: touches of one kind close together are one, what
// the platform claims stands beside them, and each either counts or says why it does not.
import { compareTexts } from '../compare-texts'
import { digestOf } from '../digest'
import type { Claim, JourneyTouch, Order, Touchpoint } from '../records'
import { typePriority, viewTypes } from '../touchpoint-types'
import type { AttributionSettings } from './settings'

/** An earlier order of the same person. */
export interface EarlierOrder {
  readonly convertedAt: number
  readonly skus: readonly string[]
}

export interface JourneyContext {
  readonly order: Order
  /** Conversion time, or the creation of an order that has not converted. */
  readonly referenceAt: number
  readonly earlierOrders: readonly EarlierOrder[]
  readonly settings: AttributionSettings
}

/** The journey, earliest touch first; `touches` in any order, none later than the reference time. */
export function buildJourney(
  touches: readonly Touchpoint[],
  context: JourneyContext,
): JourneyTouch[] {
  const recorded = collapse(touches, context.settings.session_gap_ms)
  const claimed = context.settings.claims_as_touchpoints ? claimedTouches(context.order) : []
  const judged = [...recorded, ...claimed].map((touch) => judge(touch, context))
  return settleAmongThemselves(judged, context.settings).sort(byTime)
}

/** By first time, then type priority, then id: one order for everybody. */
function byTime(a: JourneyTouch, b: JourneyTouch): number {
  return (
    a.first_at - b.first_at ||
    typePriority(a.type) - typePriority(b.type) ||
    compareTexts(`${a.source} ${a.id}`, `${b.source} ${b.id}`)
  )
}

/** Touches of one kind, each less than the gap after the one before, are one. */
function collapse(touches: readonly Touchpoint[], gapMs: number): JourneyTouch[] {
  const sorted = [...touches].sort(
    (a, b) => a.at - b.at || compareTexts(`${a.source} ${a.id}`, `${b.source} ${b.id}`),
  )
  const collapsed: JourneyTouch[] = []
  const openByKind = new Map<string, number>()
  for (const touch of sorted) {
    const kind = kindKey(touch)
    const at = openByKind.get(kind)
    const open = at === undefined ? undefined : collapsed[at]
    if (at !== undefined && open !== undefined && touch.at - open.last_at < gapMs) {
      collapsed[at] = { ...open, last_at: touch.at, touches: open.touches + 1 }
    } else {
      openByKind.set(kind, collapsed.push(journeyTouch(touch)) - 1)
    }
  }
  return collapsed
}

function kindKey(touch: Touchpoint): string {
  const { type, channel, platform, room, streamer, video, sku, campaign, link } = touch
  return [type, channel, platform, room, streamer, video, sku, campaign, link].join('\n')
}

function journeyTouch(touch: Touchpoint): JourneyTouch {
  const { source, id, type, at, channel, platform, room, streamer, video, sku, campaign, link } =
    touch
  return {
    ...{ source, id, type, first_at: at, last_at: at, touches: 1 },
    ...{ channel, platform, room, streamer, video, sku, campaign, promoter: '', link },
    counted: true,
    reason: 'eligible',
  }
}

/** What the platform says led to the order, as touches at the order's creation. */
function claimedTouches(order: Order): JourneyTouch[] {
  const claims = new Map<string, Claim>()
  for (const { claim } of order.lines) if (claim !== null) claims.set(claimId(claim), claim)
  return [...claims].map(([id, claim]) => ({
    ...{ source: 'claim', id, type: 'claim', touches: 1 },
    ...{ first_at: order.created_at, last_at: order.created_at },
    ...{ channel: claim.channel, platform: order.platform, room: claim.room },
    ...{ streamer: claim.streamer, video: claim.video, promoter: claim.promoter },
    ...{ sku: '', campaign: '', link: '', counted: true, reason: 'eligible' },
  }))
}

/** Names a claim by what it says. */
export function claimId(claim: Claim): string {
  const { channel, room, streamer, video, promoter } = claim
  return digestOf([channel, room, streamer, video, promoter].join('\n'))
}

function judge(touch: JourneyTouch, context: JourneyContext): JourneyTouch {
  const reason = reasonAgainst(touch, context)
  return reason === null ? touch : { ...touch, counted: false, reason }
}

function reasonAgainst(
  touch: JourneyTouch,
  { order, referenceAt, earlierOrders, settings }: JourneyContext,
): string | null {
  if (touch.source !== 'claim') {
    const windows: Readonly<Partial<Record<string, number>>> = settings.windows_ms
    const windowMs = windows[touch.type]
    if (windowMs === undefined) return 'unknown_type'
    if (touch.last_at < referenceAt - windowMs) return 'outside_window'
  }
  const skus = new Set(order.lines.map(({ sku }) => sku))
  if (settings.match_product && touch.sku !== '' && !skus.has(touch.sku)) return 'other_product'
  if (settings.repeat_orders !== 'none') {
    const resets = earlierOrders.some(
      (earlier) =>
        touch.last_at <= earlier.convertedAt &&
        (settings.repeat_orders === 'reset' || earlier.skus.some((sku) => skus.has(sku))),
    )
    if (resets) return 'before_previous_order'
  }
  return null
}

/** What depends on the other touches: a claim that a recorded touch already tells, a view beside a click. */
function settleAmongThemselves(
  touches: readonly JourneyTouch[],
  settings: AttributionSettings,
): JourneyTouch[] {
  const counted = touches.filter(
    (touch) =>
      touch.counted &&
      touch.source !== 'claim' &&
      // A view that will not count beside the claim cannot stand in for it.
      !(settings.clicks_before_views && isView(touch)),
  )
  const acted =
    settings.clicks_before_views && touches.some((touch) => touch.counted && !isView(touch))
  return touches.map((touch) => {
    if (!touch.counted) return touch
    if (touch.source === 'claim' && counted.some((recorded) => tells(recorded, touch))) {
      return { ...touch, counted: false, reason: 'same_as_touchpoint' }
    }
    if (acted && isView(touch)) return { ...touch, counted: false, reason: 'view_beside_click' }
    return touch
  })
}

function isView(touch: JourneyTouch): boolean {
  return viewTypes.has(touch.type)
}

/** Whether a recorded touch says what a claim says: the same room, video, or at least streamer. */
function tells(recorded: JourneyTouch, claim: JourneyTouch): boolean {
  if (claim.room !== '') return recorded.room === claim.room
  if (claim.video !== '') return recorded.video === claim.video
  return claim.streamer !== '' && recorded.streamer === claim.streamer
}
