// What each model credits for a journey: exact weights, split to the last minor unit. A second reading of the rules,
// on purpose without any code of the product.
import { digestOf } from '../../services/core/digest'
import type { Claim, Credit, JourneyTouch, Order, TrainedModel } from '../../services/core/records'
import {
  binaryFraction,
  divided,
  fraction,
  splitAmount,
  times,
  type Fraction,
} from './oracle-money'

export type OracleModel =
  | {
      readonly name: string
      readonly kind: 'first' | 'last' | 'last_non_direct' | 'linear' | 'w_shape'
    }
  | { readonly name: string; readonly kind: 'claim' }
  | TrainedKind
  | {
      readonly name: string
      readonly kind: 'position'
      readonly ends: readonly [number, number, number]
    }
  | { readonly name: string; readonly kind: 'time_decay'; readonly half_life_ms: number }
  | {
      readonly name: string
      readonly kind: 'custom'
      readonly base: 'linear' | 'time_decay'
      readonly half_life_ms: number
      readonly rules: readonly { readonly match: object; readonly multiplier: number }[]
    }

export interface TrainedKind {
  readonly name: string
  readonly kind: 'markov' | 'shapley'
}

export function isTrained(model: OracleModel): model is TrainedKind {
  return model.kind === 'markov' || model.kind === 'shapley'
}

export interface Weighing {
  readonly convertedAt: number
  readonly applied: { readonly milestone_types: readonly string[] }
}

/** The weight of each touch under a model, in any unit. */
export function weigh(
  model: Exclude<OracleModel, { kind: 'claim' } | TrainedKind>,
  touches: readonly JourneyTouch[],
  { convertedAt, applied }: Weighing,
): Fraction[] {
  const n = touches.length
  const allOn = (chosen: number): Fraction[] =>
    touches.map((_, at) => fraction(at === chosen ? 1 : 0))
  const decayed = (halfLifeMs: number): Fraction[] =>
    touches.map((touch) =>
      binaryFraction(2 ** -(Math.max(0, convertedAt - touch.last_at) / halfLifeMs)),
    )
  switch (model.kind) {
    case 'first':
      return allOn(0)
    case 'last':
      return allOn(n - 1)
    case 'last_non_direct': {
      const last = touches.map(({ channel }) => channel !== 'direct').lastIndexOf(true)
      return allOn(last < 0 ? n - 1 : last)
    }
    case 'linear':
      return touches.map(() => fraction(1))
    case 'time_decay':
      return decayed(model.half_life_ms)
    case 'position':
      return positions(n, model.ends)
    case 'w_shape': {
      const inner = touches
        .slice(1, -1)
        .findIndex(({ type }) => applied.milestone_types.includes(type))
      if (inner < 0) return positions(n, [0.4, 0.2, 0.4])
      if (n === 3) return touches.map(() => fraction(1))
      const pillars = [0, inner + 1, n - 1]
      return touches.map((_, at) =>
        pillars.includes(at) ? fraction(0.3) : divided(fraction(0.1), n - 3),
      )
    }
    case 'custom': {
      const base =
        model.base === 'linear' ? touches.map(() => fraction(1)) : decayed(model.half_life_ms)
      return base.map((weight, at) =>
        model.rules
          .filter(({ match }) => matches(touches[at], match))
          .reduce((product, { multiplier }) => times(product, fraction(multiplier)), weight),
      )
    }
  }
}

/** The weight of each touch by the weights of channels: those of one channel have its weight in equal parts. */
export function weighTrained(
  { channels, unseen_ppb: unseen }: TrainedModel,
  touches: readonly JourneyTouch[],
): Fraction[] {
  const weightOf = (channel: string): number =>
    channels.find((one) => one.channel === channel)?.weight_ppb ?? unseen
  const nothing = touches.every(({ channel }) => weightOf(channel) === 0)
  return touches.map(({ channel }) => {
    const alike = touches.filter((touch) => touch.channel === channel).length
    return { over: BigInt(nothing ? 1 : weightOf(channel)), under: BigInt(alike) }
  })
}

function matches(touch: JourneyTouch | undefined, match: object): boolean {
  return Object.entries(match).every(([field, value]) => touch?.[field as 'channel'] === value)
}

function positions(
  n: number,
  [first, middle, last]: readonly [number, number, number],
): Fraction[] {
  if (n === 1) return [fraction(1)]
  if (n === 2) {
    return first + last === 0 ? [fraction(1), fraction(1)] : [fraction(first), fraction(last)]
  }
  const inner = Array.from({ length: n - 2 }, () => divided(fraction(middle), n - 2))
  return [fraction(first), ...inner, fraction(last)]
}

interface Crediting {
  readonly counted: readonly JourneyTouch[]
  readonly weights: readonly Fraction[]
  readonly netMinor: number
}

/** One model's credits of an order. */
export function creditModel(model: string, { counted, weights, netMinor }: Crediting): Credit[] {
  const credited = counted.filter((_, at) => (weights[at]?.over ?? 0n) > 0n)
  if (credited.length === 0) return [directly(model, 1e9, netMinor)]
  const portions = splitAmount(
    netMinor,
    weights.filter(({ over }) => over > 0n),
  )
  return credited.map((touch, at) => ({
    ...{ model, source: touch.source, touchpoint_id: touch.id, channel: touch.channel },
    ...{ platform: touch.platform, room: touch.room, streamer: touch.streamer, video: touch.video },
    ...{ campaign: touch.campaign, promoter: touch.promoter },
    weight_ppb: portions[at]?.weightPpb ?? -1,
    amount_minor: portions[at]?.amountMinor ?? -1,
  }))
}

function directly(model: string, weightPpb: number, amountMinor: number): Credit {
  return {
    ...{
      model,
      source: '',
      touchpoint_id: '',
      channel: 'direct',
      platform: '',
      room: '',
      streamer: '',
    },
    ...{ video: '', campaign: '', promoter: '', weight_ppb: weightPpb, amount_minor: amountMinor },
  }
}

interface NamedClaim {
  readonly id: string
  readonly claim: Claim
}

/** Each different claim of the lines, named by what it says. */
export function claimsOf(order: Order): NamedClaim[] {
  const claims = order.lines.flatMap(({ claim }) => (claim === null ? [] : [claim]))
  const different = claims.filter(
    (claim, at) => claims.findIndex((other) => nameOfClaim(other) === nameOfClaim(claim)) === at,
  )
  return different.map((claim) => ({ id: nameOfClaim(claim), claim }))
}

function nameOfClaim({ channel, room, streamer, video, promoter }: Claim): string {
  return digestOf([channel, room, streamer, video, promoter].join('\n'))
}

/** The claim as a model: by the net amount of the lines that carry each; by what was paid when nothing is left. */
export function creditClaim(model: string, order: Order, netMinor: number): Credit[] {
  const names = [
    ...new Set(order.lines.map(({ claim }) => (claim === null ? '' : nameOfClaim(claim)))),
  ]
  const linesOf = (name: string): Order['lines'] =>
    order.lines.filter(({ claim }) => (claim === null ? '' : nameOfClaim(claim)) === name)
  const sums = (amount: (line: Order['lines'][number]) => number): number[] =>
    names.map((name) => linesOf(name).reduce((sum, line) => sum + amount(line), 0))
  const net = sums((line) => line.paid_minor - line.refunded_minor)
  const paid = sums((line) => line.paid_minor)
  const parts = [net, paid].find((some) => some.some((part) => part > 0))
  if (parts === undefined) return [directly(model, 1e9, netMinor)]
  const portions = splitAmount(
    netMinor,
    parts.map((part) => ({ over: BigInt(part), under: 1n })),
  )
  return names.map((name, at) => {
    const claim = linesOf(name)[0]?.claim ?? null
    const { weightPpb, amountMinor } = portions[at] ?? { weightPpb: -1, amountMinor: -1 }
    if (claim === null) return directly(model, weightPpb, amountMinor)
    return {
      ...{ model, source: 'claim', touchpoint_id: name, channel: claim.channel, campaign: '' },
      ...{ platform: order.platform, room: claim.room, streamer: claim.streamer },
      ...{ video: claim.video, promoter: claim.promoter },
      ...{ weight_ppb: weightPpb, amount_minor: amountMinor },
    }
  })
}
