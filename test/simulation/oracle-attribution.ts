// What an order's journey must be, computed at once from all that is known in the end. A second reading of the
// rules, on purpose without any code of the product.
import type {
  Credit,
  JourneyTouch,
  Order,
  Touchpoint,
  TrainedModel,
} from '../../services/core/records'
import {
  claimsOf,
  creditClaim,
  creditModel,
  isTrained,
  weigh,
  weighTrained,
  type OracleModel,
} from './oracle-credits'

export interface OracleRules {
  readonly name: string
  readonly valid_from: number
  readonly conversion: 'paid' | 'created'
  readonly windows_ms: object
  readonly session_gap_ms: number
  readonly repeat_orders: 'none' | 'reset' | 'reset_per_sku'
  readonly clicks_before_views: boolean
  readonly match_product: boolean
  readonly claims_as_touchpoints: boolean
  readonly milestone_types: readonly string[]
  readonly models: readonly OracleModel[]
  readonly touches_considered_max: number
  readonly touches_counted_max: number
  readonly touches_shown_max: number
}

/** An order, all touches that are its person's, and the person's other orders. */
export interface Purchase {
  readonly order: Order
  /** All that was ever said of the order. */
  readonly snapshots: readonly Order[]
  readonly touches: readonly Touchpoint[]
  readonly others: readonly Order[]
  readonly rules: readonly OracleRules[]
  /** All that were ever published. */
  readonly trained: readonly TrainedModel[]
}

export interface ExpectedAttribution {
  readonly settings: string
  readonly converted_at: number | null
  readonly net_minor: number
  readonly journey: readonly JourneyTouch[]
  readonly not_shown: Readonly<Record<string, number>>
  readonly credits: readonly Credit[]
  readonly trained: Readonly<Record<string, string>>
}

const dayMs = 24 * 60 * 60_000
/** Events may be told so long after they happened, or dated so much ahead. */
const lateMs = 30 * dayMs
const aheadMs = 5 * 60_000

/** Whether an order that converted was told so later than any event may be. */
export function isToldLate({
  order,
  snapshots,
  rules,
}: Omit<Purchase, 'touches' | 'others' | 'trained'>) {
  const applied = rulesOf(order, rules)
  const at = conversion(order, applied)
  return at !== null && firstTold(order, snapshots, applied) - at > lateMs
}

export function attributeAtOnce(purchase: Purchase): ExpectedAttribution {
  const { order, others, rules, trained } = purchase
  const applied = rulesOf(order, rules)
  const convertedAt = conversion(order, applied)
  const before = others.filter((other) => {
    const at = conversion(other, rulesOf(other, rules))
    return at !== null && at < momentOf(order, applied)
  })
  const journey = limitCredited(
    judge(gatherJourney(purchase, applied), { order, before, rules, applied }),
    applied,
  )
  const hidden = journey.slice(0, Math.max(0, journey.length - applied.touches_shown_max))
  const notShown: Record<string, number> = {}
  for (const { reason } of hidden) notShown[reason] = (notShown[reason] ?? 0) + 1
  const netMinor = order.paid_minor - order.refunded_minor
  const counted = journey.filter((touch) => touch.counted)
  const due = dueTo(convertedAt, applied, trained)
  return {
    settings: applied.name,
    converted_at: convertedAt,
    net_minor: netMinor,
    journey: journey.slice(hidden.length),
    not_shown: notShown,
    credits:
      convertedAt === null
        ? []
        : applied.models.flatMap((model) => {
            if (model.kind === 'claim') return creditClaim(model.name, order, netMinor)
            const training = due.get(model.name)
            if (isTrained(model)) {
              if (training === undefined) return []
              const weights = weighTrained(training, counted)
              return creditModel(model.name, { counted, netMinor, weights })
            }
            const weights = weigh(model, counted, { convertedAt, applied })
            return creditModel(model.name, { counted, netMinor, weights })
          }),
    trained: Object.fromEntries([...due].map(([model, { version }]) => [model, version])),
  }
}

/** By model, of all that were published the one that had applied for the shortest when the order converted; of two of
 * one moment the greater name. */
function dueTo(
  convertedAt: number | null,
  { models }: OracleRules,
  published: readonly TrainedModel[],
): Map<string, TrainedModel> {
  const due = new Map<string, TrainedModel>()
  for (const model of models.filter(isTrained)) {
    const applicable = published
      .filter((one) => one.model === model.kind && convertedAt !== null)
      .filter((one) => one.valid_from <= (convertedAt ?? 0))
      .sort((a, b) => b.valid_from - a.valid_from || -byText(a.version, b.version))
    if (applicable[0] !== undefined) due.set(model.name, applicable[0])
  }
  return due
}

/** Rules apply to an order when they were valid at its conversion as they understand it (its creation while it has
 * none): the latest of those, or else the earliest of all. */
function rulesOf(order: Order, rules: readonly OracleRules[]): OracleRules {
  const byTime = [...rules].sort((a, b) => a.valid_from - b.valid_from)
  const valid = byTime.filter((one) => momentOf(order, one) >= one.valid_from)
  const found = valid.at(-1) ?? byTime[0]
  if (found === undefined) throw new Error('no rules')
  return found
}

/** When somebody first accepted a snapshot that said when the order converted, or was created while it has not. */
function firstTold(order: Order, snapshots: readonly Order[], rules: OracleRules): number {
  const at = conversion(order, rules)
  const saying = snapshots.filter((one) =>
    at === null ? one.created_at === order.created_at : conversion(one, rules) === at,
  )
  return Math.min(...saying.map((one) => one.accepted_at))
}

function conversion(order: Order, { conversion: which }: OracleRules): number | null {
  return which === 'created' ? order.created_at : order.paid_at
}

function momentOf(order: Order, rules: OracleRules): number {
  return conversion(order, rules) ?? order.created_at
}

const windowOf = ({ windows_ms: windows }: OracleRules, type: string): number | undefined =>
  (windows as Record<string, number>)[type]
const nameOf = ({ source, id }: { source: string; id: string }): string => `${source} ${id}`
const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

/** Touches that may concern the order, those of one key close together made one, and what the platform claims. An
 * order that is told late looks no further back than one that is told as late as an event may be. */
function gatherJourney(
  { touches, order, snapshots }: Purchase,
  rules: OracleRules,
): JourneyTouch[] {
  const moment = momentOf(order, rules)
  const longest = Math.max(...(Object.values(rules.windows_ms) as number[]))
  const keptFrom = firstTold(order, snapshots, rules) - longest - lateMs - aheadMs
  const near = touches.filter(
    ({ at, accepted_at: acceptedAt }) =>
      at <= moment && at >= moment - longest && acceptedAt >= keptFrom,
  )
  const earliestAccepted = near.filter((touch) =>
    near.every(
      (other) => nameOf(other) !== nameOf(touch) || other.accepted_at >= touch.accepted_at,
    ),
  )
  const once = earliestAccepted
    .filter(
      (touch, at) => earliestAccepted.findIndex((other) => nameOf(other) === nameOf(touch)) === at,
    )
    .sort((a, b) => a.at - b.at || byText(nameOf(a), nameOf(b)))
    .slice(-rules.touches_considered_max)
  const claims = rules.claims_as_touchpoints ? claimsOf(order) : []
  return [
    ...chain(once, rules.session_gap_ms),
    ...claims.map(({ id, claim }) => ({
      ...{ source: 'claim', id, type: 'claim', touches: 1, counted: true, reason: 'eligible' },
      ...{ first_at: order.created_at, last_at: order.created_at, platform: order.platform },
      ...{ channel: claim.channel, room: claim.room, streamer: claim.streamer, video: claim.video },
      ...{ promoter: claim.promoter, sku: '', campaign: '', link: '' },
    })),
  ].sort(
    (a, b) =>
      a.first_at - b.first_at || weight(a.type) - weight(b.type) || byText(nameOf(a), nameOf(b)),
  )
}

/** Of two at one moment the stronger counts as the later; a claim is before all. */
const fromWeakToStrong = [
  ...['impression', 'page_view', 'share', 'form', 'click', 'scan', 'room_enter', 'card_click'],
]
const weight = (type: string): number => fromWeakToStrong.indexOf(type)

/** Each touch joins the one of its key before it when that is less than the gap ago. */
function chain(sorted: readonly Touchpoint[], gapMs: number): JourneyTouch[] {
  const keyOf = (touch: Touchpoint): string =>
    JSON.stringify([
      ...[touch.type, touch.channel, touch.platform, touch.room, touch.streamer],
      ...[touch.video, touch.sku, touch.campaign, touch.link],
    ])
  const keys = [...new Set(sorted.map(keyOf))]
  return keys.flatMap((key) => {
    const alike = sorted.filter((touch) => keyOf(touch) === key)
    const starts = alike.filter(
      (touch, at) => at === 0 || touch.at - (alike[at - 1]?.at ?? 0) >= gapMs,
    )
    return starts.map((start, at) => {
      const from = alike.indexOf(start)
      const next = starts[at + 1]
      const together = alike.slice(from, next === undefined ? alike.length : alike.indexOf(next))
      const { source, id, type, channel, platform, room, streamer, video, sku, campaign, link } =
        start
      return {
        ...{ source, id, type, channel, platform, room, streamer, video, sku, campaign, link },
        ...{ first_at: start.at, last_at: together.at(-1)?.at ?? start.at },
        ...{ touches: together.length, promoter: '', counted: true, reason: 'eligible' },
      }
    })
  })
}

interface Judging {
  readonly order: Order
  /** Earlier orders of the person. */
  readonly before: readonly Order[]
  readonly rules: readonly OracleRules[]
  readonly applied: OracleRules
}

/** Each touch counts, or says why it does not. */
function judge(journey: readonly JourneyTouch[], judging: Judging): JourneyTouch[] {
  const { applied } = judging
  const view = ({ type }: JourneyTouch): boolean => type === 'impression' || type === 'page_view'
  const alone = journey.map((touch) => ({ touch, against: reasonAlone(touch, judging) }))
  const standing = alone.filter(({ against }) => against === null).map(({ touch }) => touch)
  const acted = standing.some((touch) => !view(touch))
  return alone.map(({ touch, against }) => {
    let reason = against
    if (reason === null && touch.type === 'claim') {
      const witnesses = standing.filter(
        (one) => one.type !== 'claim' && !(applied.clicks_before_views && view(one)),
      )
      if (witnesses.some((one) => saysTheSame(one, touch))) reason = 'same_as_touchpoint'
    }
    if (reason === null && applied.clicks_before_views && acted && view(touch)) {
      reason = 'view_beside_click'
    }
    return reason === null ? touch : { ...touch, counted: false, reason }
  })
}

function reasonAlone(
  touch: JourneyTouch,
  { order, before, rules, applied }: Judging,
): string | null {
  const bought = order.lines.map(({ sku }) => sku)
  if (touch.type !== 'claim') {
    const window = windowOf(applied, touch.type)
    if (window === undefined) return 'unknown_type'
    if (momentOf(order, applied) - touch.last_at > window) return 'outside_window'
  }
  if (applied.match_product && touch.sku !== '' && !bought.includes(touch.sku)) {
    return 'other_product'
  }
  const resetting = before.filter(
    (other) =>
      applied.repeat_orders === 'reset' ||
      (applied.repeat_orders === 'reset_per_sku' &&
        other.lines.some(({ sku }) => bought.includes(sku))),
  )
  const reset = Math.max(
    ...resetting.map((other) => conversion(other, rulesOf(other, rules)) ?? -Infinity),
  )
  return touch.last_at <= reset ? 'before_previous_order' : null
}

/** Unless a recorded touch tells the same room, video or streamer, what a platform claims stands. */
function saysTheSame(touch: JourneyTouch, claim: JourneyTouch): boolean {
  for (const field of ['room', 'video', 'streamer'] as const) {
    if (claim[field] !== '') return touch[field] === claim[field]
  }
  return false
}

function limitCredited(journey: readonly JourneyTouch[], rules: OracleRules): JourneyTouch[] {
  const counted = journey.filter((touch) => touch.counted)
  const credited = counted.slice(-rules.touches_counted_max)
  return journey.map((touch) =>
    !touch.counted || credited.includes(touch)
      ? touch
      : { ...touch, counted: false, reason: 'beyond_limit' },
  )
}
