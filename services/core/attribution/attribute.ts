// Attribution of one order: a pure function of the order, the touches of its person and the settings. For each
// model the credits sum to what was paid less what was refunded; an order without touches is credited to
// direct; nothing disappears.
import assert from 'node:assert/strict'
import type { Claim, Credit, FrozenCredits, JourneyTouch, Order, Touchpoint } from '../records'
import { buildJourney, claimId, type EarlierOrder } from './journey'
import type { AttributionSettings, ModelSettings } from './settings'
import { splitMoney, toPpb, wholePpb } from './split-money'
import { weigh } from './weights'

export interface Attribution {
  /** Null while the order does not count: no credits then. */
  readonly converted_at: number | null
  readonly net_minor: number
  readonly journey: readonly JourneyTouch[]
  readonly not_shown: Readonly<Record<string, number>>
  readonly credits: readonly Credit[]
}

export interface AttributionInput {
  readonly order: Order
  /** Touches of the order's person within the longest window, not after the conversion; each once. */
  readonly touches: readonly Touchpoint[]
  readonly earlierOrders: readonly EarlierOrder[]
  readonly settings: AttributionSettings
}

/** When an order converts under the settings; null while it has not. */
export function conversionTime(order: Order, settings: AttributionSettings): number | null {
  return settings.conversion === 'created' ? order.created_at : order.paid_at
}

export function attribute({
  order,
  touches,
  earlierOrders,
  settings,
}: AttributionInput): Attribution {
  const convertedAt = conversionTime(order, settings)
  const netMinor = order.paid_minor - order.refunded_minor
  const referenceAt = convertedAt ?? order.created_at
  const journey = limitCounted(
    buildJourney(touches, { order, referenceAt, earlierOrders, settings }),
    settings.touches_counted_max,
  )
  const shown = journey.slice(-settings.touches_shown_max)
  const notShown: Record<string, number> = {}
  for (const { reason } of journey.slice(0, journey.length - shown.length)) {
    notShown[reason] = (notShown[reason] ?? 0) + 1
  }
  const counted = journey.filter(({ counted }) => counted)
  const credits =
    convertedAt === null
      ? []
      : settings.models.flatMap((model) =>
          model.kind === 'claim'
            ? creditClaims(model.name, order, netMinor)
            : creditTouches(model, counted, { convertedAt, settings, netMinor }),
        )
  return {
    converted_at: convertedAt,
    net_minor: netMinor,
    journey: shown,
    not_shown: notShown,
    credits,
  }
}

/** An order whose touches are gone: journey and weights are what they were, amounts follow the net amount. What
 * the platform claims stands in the order itself and is split anew. */
export function attributeFrozen(
  order: Order,
  frozen: FrozenCredits,
  settings: AttributionSettings,
): Attribution {
  const netMinor = order.paid_minor - order.refunded_minor
  const claims = new Set(settings.models.filter(({ kind }) => kind === 'claim').map(nameOf))
  const models = [...new Set(frozen.credits.map(({ model }) => model))]
  const credits = models.flatMap((model) => {
    if (claims.has(model)) return creditClaims(model, order, netMinor)
    const held = frozen.credits.filter((credit) => credit.model === model)
    const amounts = splitMoney(
      netMinor,
      held.map(({ weight_ppb }) => weight_ppb),
    )
    return held.map((credit, at) => ({ ...credit, amount_minor: numberAt(amounts, at) }))
  })
  const { converted_at, journey, not_shown } = frozen
  return { converted_at, net_minor: netMinor, journey, not_shown, credits }
}

function nameOf({ name }: ModelSettings): string {
  return name
}

/** Credits are bounded, so that no journey makes a record too large for its topic: the latest touches count. */
function limitCounted(journey: readonly JourneyTouch[], max: number): readonly JourneyTouch[] {
  let beyond = journey.filter(({ counted }) => counted).length - max
  if (beyond <= 0) return journey
  return journey.map((touch) => {
    if (!touch.counted || beyond <= 0) return touch
    beyond -= 1
    return { ...touch, counted: false, reason: 'beyond_limit' }
  })
}

interface Conversion {
  readonly convertedAt: number
  readonly settings: AttributionSettings
  readonly netMinor: number
}

function creditTouches(
  model: Exclude<ModelSettings, { kind: 'claim' }>,
  touches: readonly JourneyTouch[],
  { convertedAt, settings, netMinor }: Conversion,
): Credit[] {
  const weights = touches.length === 0 ? [] : weigh(model, { touches, convertedAt, settings })
  const weighed = touches.filter((_, at) => (weights[at] ?? 0) > 0)
  if (weighed.length === 0) return [directCredit(model.name, wholePpb, netMinor)]
  const weightsPpb = toPpb(weights.filter((weight) => weight > 0))
  const amounts = splitMoney(netMinor, weightsPpb)
  return weighed.map((touch, at) => ({
    model: model.name,
    ...{ source: touch.source, touchpoint_id: touch.id, channel: touch.channel },
    ...{ platform: touch.platform, room: touch.room, streamer: touch.streamer },
    ...{ video: touch.video, campaign: touch.campaign, promoter: touch.promoter },
    weight_ppb: numberAt(weightsPpb, at),
    amount_minor: numberAt(amounts, at),
  }))
}

/** The platform's claim as a model: split by the net amount of the lines that carry each claim. */
function creditClaims(model: string, order: Order, netMinor: number): Credit[] {
  const shares = new Map<string, { claim: Claim | null; netMinor: number; paidMinor: number }>()
  for (const { claim, paid_minor, refunded_minor } of order.lines) {
    const id = claim === null ? '' : claimId(claim)
    const share = shares.get(id) ?? { claim, netMinor: 0, paidMinor: 0 }
    share.netMinor += paid_minor - refunded_minor
    share.paidMinor += paid_minor
    shares.set(id, share)
  }
  const all = [...shares]
  const netWeights = all.map(([, share]) => share.netMinor)
  const paidWeights = all.map(([, share]) => share.paidMinor)
  const weights = [netWeights, paidWeights].find((some) => some.some((weight) => weight > 0))
  if (weights === undefined) return [directCredit(model, wholePpb, netMinor)]
  const weightsPpb = toPpb(weights)
  const amounts = splitMoney(netMinor, weightsPpb)
  return all.map(([id, { claim }], at) => {
    const weight = numberAt(weightsPpb, at)
    const amount = numberAt(amounts, at)
    if (claim === null) return directCredit(model, weight, amount)
    return {
      ...{ model, source: 'claim', touchpoint_id: id, channel: claim.channel, campaign: '' },
      ...{ platform: order.platform, room: claim.room, streamer: claim.streamer },
      ...{ video: claim.video, promoter: claim.promoter },
      ...{ weight_ppb: weight, amount_minor: amount },
    }
  })
}

function directCredit(model: string, weightPpb: number, amountMinor: number): Credit {
  return {
    ...{ model, source: '', touchpoint_id: '', channel: 'direct', platform: '', room: '' },
    ...{ streamer: '', video: '', campaign: '', promoter: '' },
    ...{ weight_ppb: weightPpb, amount_minor: amountMinor },
  }
}

function numberAt(numbers: readonly number[], at: number): number {
  const number = numbers[at]
  assert(number !== undefined)
  return number
}
