// Attribution of one order: a pure function of the order, the touches of its person and the settings. For each
// model the credits sum to what was paid less what was refunded; an order without touches is credited to
// direct; nothing disappears.
import assert from 'node:assert/strict'
import type { TrainedKind } from '../models/train-models'
import type {
  Credit,
  FrozenCredits,
  JourneyTouch,
  Order,
  Touchpoint,
  TrainedModel,
} from '../records'
import { buildJourney, claimsOf, type ClaimShare, type EarlierOrder } from './journey'
import type { AttributionSettings, ModelSettings } from './settings'
import { splitMoney, toPpb, wholePpb } from './split-money'
import { countAlike, soleTouch, weigh, type WeighedJourney, type WeighingModel } from './weights'

export interface Attribution {
  /** Null while the order does not count: no credits then. */
  readonly converted_at: number | null
  readonly net_minor: number
  readonly journey: readonly JourneyTouch[]
  readonly not_shown: Readonly<Record<string, number>>
  readonly credits: readonly Credit[]
  /** By model, the version of each data-driven one; one that was not trained is missing, and has no credits. */
  readonly trained: Readonly<Record<string, string>>
}

export interface AttributionInput {
  readonly order: Order
  /** Touches of the order's person within the longest window, not after the conversion; each once. */
  readonly touches: readonly Touchpoint[]
  readonly earlierOrders: readonly EarlierOrder[]
  readonly settings: AttributionSettings
  /** The version of a data-driven model that applies to the order's conversion; none where none was trained by then. */
  readonly trained: (kind: TrainedKind) => TrainedModel | undefined
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
  trained: trainedOf,
}: AttributionInput): Attribution {
  const convertedAt = conversionTime(order, settings)
  const netMinor = order.paid_minor - order.refunded_minor
  const referenceAt = convertedAt ?? order.created_at
  const claims = claimsOf(order)
  const journey = limitCounted(
    buildJourney(touches, { order, claims, referenceAt, earlierOrders, settings }),
    settings.touches_counted_max,
  )
  const shown = journey.slice(-settings.touches_shown_max)
  const notShown: Record<string, number> = {}
  for (const { reason } of journey.slice(0, journey.length - shown.length)) {
    notShown[reason] = (notShown[reason] ?? 0) + 1
  }
  const credits: Credit[] = []
  const trained: Record<string, string> = {}
  if (convertedAt !== null) {
    const touches = journey.filter(({ counted }) => counted)
    const conversion = { touches, convertedAt, settings, netMinor }
    let alike: readonly number[] | undefined
    for (const model of settings.models) {
      if (model.kind === 'claim') creditClaims(credits, model.name, { claims, netMinor })
      else if (model.kind !== 'markov' && model.kind !== 'shapley') {
        creditTouches(credits, model, conversion)
      } else {
        const weights = trainedOf(model.kind)
        if (weights === undefined) continue
        trained[model.name] = weights.version
        alike ??= countAlike(touches)
        const { name, kind } = model
        creditTouches(credits, { name, kind, weights, alike }, conversion)
      }
    }
  }
  return {
    converted_at: convertedAt,
    net_minor: netMinor,
    journey: shown,
    not_shown: notShown,
    credits,
    trained,
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
  const credits: Credit[] = []
  for (const model of new Set(frozen.credits.map(({ model }) => model))) {
    if (claims.has(model)) {
      creditClaims(credits, model, { claims: claimsOf(order), netMinor })
      continue
    }
    const held = frozen.credits.filter((credit) => credit.model === model)
    const amounts = splitMoney(
      netMinor,
      held.map(({ weight_ppb }) => weight_ppb),
    )
    for (const [at, credit] of held.entries()) {
      credits.push({ ...credit, amount_minor: numberAt(amounts, at) })
    }
  }
  const { converted_at, journey, not_shown, trained } = frozen
  return { converted_at, net_minor: netMinor, journey, not_shown, credits, trained }
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

interface Conversion extends WeighedJourney {
  readonly netMinor: number
}

function creditTouches(credits: Credit[], model: WeighingModel, conversion: Conversion): void {
  const { touches, netMinor } = conversion
  const sole = touches[soleTouch(model, touches)]
  if (sole !== undefined) {
    credits.push(credit(model.name, sole, [wholePpb, netMinor]))
    return
  }
  const weights = touches.length === 0 ? [] : weigh(model, conversion)
  if (!weights.some((weight) => weight > 0)) {
    credits.push(credit(model.name, direct, [wholePpb, netMinor]))
    return
  }
  const weightsPpb = toPpb(weights)
  const amounts = splitMoney(netMinor, weightsPpb)
  let credited = 0
  for (let at = 0; at < touches.length; at += 1) {
    const touch = touches[at]
    const amountMinor = amounts[at] ?? 0
    if (touch === undefined || !((weights[at] ?? 0) > 0)) continue
    credits.push(credit(model.name, touch, [weightsPpb[at] ?? 0, amountMinor]))
    credited += amountMinor
  }
  if (credited !== netMinor) assert.fail(`${model.name} credits ${credited} of ${netMinor}`)
}

/** What a credit says of the touch it is for. */
type Credited = Pick<
  JourneyTouch,
  'source' | 'id' | 'channel' | 'platform' | 'room' | 'streamer' | 'video' | 'campaign' | 'promoter'
>

/** What an order without touches is credited to. */
const direct: Credited = {
  ...{ source: '', id: '', channel: 'direct', platform: '', room: '', streamer: '', video: '' },
  ...{ campaign: '', promoter: '' },
}

/** All fields at once, and every credit of one shape: much of an attribution's time is their making. */
function credit(
  model: string,
  touch: Credited,
  [weightPpb, amountMinor]: readonly [weightPpb: number, amountMinor: number],
): Credit {
  return {
    model,
    source: touch.source,
    touchpoint_id: touch.id,
    channel: touch.channel,
    platform: touch.platform,
    room: touch.room,
    streamer: touch.streamer,
    video: touch.video,
    campaign: touch.campaign,
    promoter: touch.promoter,
    weight_ppb: weightPpb,
    amount_minor: amountMinor,
  }
}

interface Claiming {
  readonly claims: readonly ClaimShare[]
  readonly netMinor: number
}

/** The platform's claim as a model: split by the net amount of the lines that carry each claim. */
function creditClaims(credits: Credit[], model: string, { claims, netMinor }: Claiming): void {
  const netWeights = claims.map((share) => share.netMinor)
  const paidWeights = claims.map((share) => share.paidMinor)
  const weights = [netWeights, paidWeights].find((some) => some.some((weight) => weight > 0))
  if (weights === undefined) {
    credits.push(credit(model, direct, [wholePpb, netMinor]))
    return
  }
  const weightsPpb = toPpb(weights)
  const amounts = splitMoney(netMinor, weightsPpb)
  for (const [at, { touch }] of claims.entries()) {
    const share = [numberAt(weightsPpb, at), numberAt(amounts, at)] as const
    credits.push(credit(model, touch ?? direct, share))
  }
}

function numberAt(numbers: readonly number[], at: number): number {
  const number = numbers[at]
  assert(number !== undefined)
  return number
}
