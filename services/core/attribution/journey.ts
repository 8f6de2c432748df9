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
  readonly claims: readonly ClaimShare[]
  /** Conversion time, or the creation of an order that has not converted. */
  readonly referenceAt: number
  readonly earlierOrders: readonly EarlierOrder[]
  readonly settings: AttributionSettings
}

/** Made here and nowhere else, all of one shape, and judged in place: most of an attribution's time is their making. */
type Draft = { -readonly [Field in keyof JourneyTouch]: JourneyTouch[Field] }

/** The journey, earliest touch first; `touches` in any order, none later than the reference time. */
export function buildJourney(
  touches: readonly Touchpoint[],
  context: JourneyContext,
): JourneyTouch[] {
  const { order, claims, settings } = context
  const journey = collapse(touches, settings.session_gap_ms)
  if (settings.claims_as_touchpoints) {
    for (const { touch } of claims) if (touch !== null) journey.push({ ...touch })
  }
  const skus = new Set(order.lines.map(({ sku }) => sku))
  for (const touch of journey) {
    const reason = reasonAgainst(touch, skus, context)
    if (reason !== null) dismiss(touch, reason)
  }
  settleAmongThemselves(journey, settings)
  return journey.sort(byTime)
}

function dismiss(touch: Draft, reason: string): void {
  touch.counted = false
  touch.reason = reason
}

/** By first time, then type priority, then id: one order for everybody. */
function byTime(a: JourneyTouch, b: JourneyTouch): number {
  return (
    a.first_at - b.first_at ||
    typePriority(a.type) - typePriority(b.type) ||
    compareTexts(a.source, b.source) ||
    compareTexts(a.id, b.id)
  )
}

/** Touches of one kind, each less than the gap after the one before, are one. */
function collapse(touches: readonly Touchpoint[], gapMs: number): Draft[] {
  const sorted = [...touches].sort(byArrival)
  const collapsed = sorted.map(journeyTouch)
  const isClose = (at: number): boolean =>
    (sorted[at]?.at ?? 0) - (sorted[at - 1]?.at ?? -Infinity) < gapMs
  if (!sorted.some((_, at) => at > 0 && isClose(at))) return collapsed
  const openByKind = new Map<string, Draft>()
  return collapsed.filter((touch) => {
    const kind = kindKey(touch)
    const open = openByKind.get(kind)
    if (open === undefined || touch.first_at - open.last_at >= gapMs) {
      openByKind.set(kind, touch)
      return true
    }
    open.last_at = touch.first_at
    open.touches += 1
    return false
  })
}

function byArrival(a: Touchpoint, b: Touchpoint): number {
  return a.at - b.at || compareTexts(a.source, b.source) || compareTexts(a.id, b.id)
}

function kindKey(touch: JourneyTouch): string {
  const { type, channel, platform, room, streamer, video, sku, campaign, link } = touch
  return `${type}\n${channel}\n${platform}\n${room}\n${streamer}\n${video}\n${sku}\n${campaign}\n${link}`
}

function journeyTouch(touch: Touchpoint): Draft {
  return {
    source: touch.source,
    id: touch.id,
    type: touch.type,
    first_at: touch.at,
    last_at: touch.at,
    touches: 1,
    channel: touch.channel,
    platform: touch.platform,
    room: touch.room,
    streamer: touch.streamer,
    video: touch.video,
    sku: touch.sku,
    campaign: touch.campaign,
    promoter: '',
    link: touch.link,
    counted: true,
    reason: 'eligible',
  }
}

/** What the platform says led to the order, and how much of the order it says that of. */
export interface ClaimShare {
  /** At the order's creation; null for the lines of which nothing is claimed. */
  readonly touch: JourneyTouch | null
  readonly netMinor: number
  readonly paidMinor: number
}

/** Every claim of an order once, in the order of its lines. */
export function claimsOf(order: Order): ClaimShare[] {
  const shares = new Map<string, { claim: Claim | null; netMinor: number; paidMinor: number }>()
  for (const { claim, paid_minor, refunded_minor } of order.lines) {
    const name = claim === null ? '' : claimName(claim)
    let share = shares.get(name)
    if (share === undefined) shares.set(name, (share = { claim, netMinor: 0, paidMinor: 0 }))
    share.netMinor += paid_minor - refunded_minor
    share.paidMinor += paid_minor
  }
  return [...shares].map(([name, { claim, netMinor, paidMinor }]) => ({
    touch: claim === null ? null : claimedTouch(order, claim, digestOf(name)),
    netMinor,
    paidMinor,
  }))
}

function claimName({ channel, room, streamer, video, promoter }: Claim): string {
  return `${channel}\n${room}\n${streamer}\n${video}\n${promoter}`
}

function claimedTouch(order: Order, claim: Claim, id: string): Draft {
  return {
    source: 'claim',
    id,
    type: 'claim',
    first_at: order.created_at,
    last_at: order.created_at,
    touches: 1,
    channel: claim.channel,
    platform: order.platform,
    room: claim.room,
    streamer: claim.streamer,
    video: claim.video,
    sku: '',
    campaign: '',
    promoter: claim.promoter,
    link: '',
    counted: true,
    reason: 'eligible',
  }
}

function reasonAgainst(
  touch: JourneyTouch,
  skus: ReadonlySet<string>,
  { referenceAt, earlierOrders, settings }: JourneyContext,
): string | null {
  if (touch.source !== 'claim') {
    const windows: Readonly<Partial<Record<string, number>>> = settings.windows_ms
    const windowMs = windows[touch.type]
    if (windowMs === undefined) return 'unknown_type'
    if (touch.last_at < referenceAt - windowMs) return 'outside_window'
  }
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
function settleAmongThemselves(touches: readonly Draft[], settings: AttributionSettings): void {
  const { clicks_before_views: clicksFirst } = settings
  const acted = clicksFirst && touches.some((touch) => touch.counted && !isView(touch))
  // A view that will not count beside the claim cannot stand in for it.
  const telling = touches.filter(
    (touch) => touch.counted && touch.source !== 'claim' && !(clicksFirst && isView(touch)),
  )
  for (const touch of touches) {
    if (!touch.counted) continue
    if (touch.source === 'claim' && telling.some((recorded) => tells(recorded, touch))) {
      dismiss(touch, 'same_as_touchpoint')
    } else if (acted && isView(touch)) dismiss(touch, 'view_beside_click')
  }
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
