// The models: how much of an order each of its counted touches gets. n touches in order of time; weights need
// not be normalised. Definitions and their published worked examples are named in the tests.
import type { TrainedKind } from '../models/train-models'
import type { JourneyTouch, TrainedModel } from '../records'
import type { AttributionSettings, CustomRule, ModelSettings } from './settings'

/** What a model may look at. */
export interface WeighedJourney {
  /** Counted touches, earliest first; at least one. */
  readonly touches: readonly JourneyTouch[]
  readonly convertedAt: number
  readonly settings: AttributionSettings
}

/** A model with all that it weighs touches by. */
export type WeighingModel = Exclude<ModelSettings, { kind: 'claim' | TrainedKind }> | TrainedWeights

/** What orders are credited by under a data-driven model. */
export interface TrainedWeights {
  readonly name: string
  readonly kind: TrainedKind
  readonly weights: TrainedModel
  /** As `countAlike` has it: the same for every such model. */
  readonly alike: readonly number[]
}

/** Non-negative weights, one for each touch; all zero when the model's rules exclude every touch. */
export function weigh(model: WeighingModel, journey: WeighedJourney): number[] {
  const { touches } = journey
  const n = touches.length
  switch (model.kind) {
    case 'first':
    case 'last':
    case 'last_non_direct':
      return only(n, soleTouch(model, touches))
    case 'linear':
      return touches.map(() => 1)
    case 'position':
      return byPosition(n, model.ends)
    case 'w_shape':
      return wShape(journey)
    case 'time_decay':
      return decay(journey, model.half_life_ms)
    case 'custom':
      return applyRules(
        model.base === 'linear' ? touches.map(() => 1) : decay(journey, model.half_life_ms),
        touches,
        model.rules,
      )
    case 'markov':
    case 'shapley':
      return byChannel(touches, model)
  }
}

/** Which touch takes all, under a model that never splits; -1 under any other, and where there are no touches. */
export function soleTouch(
  { kind }: Pick<ModelSettings, 'kind'>,
  touches: readonly JourneyTouch[],
): number {
  if (kind === 'first') return touches.length === 0 ? -1 : 0
  if (kind === 'last') return touches.length - 1
  if (kind !== 'last_non_direct') {
    return touches.length === 1 && (kind === 'markov' || kind === 'shapley') ? 0 : -1
  }
  const last = touches.findLastIndex(({ channel }) => channel !== 'direct')
  return last === -1 ? touches.length - 1 : last
}

function only(n: number, index: number): number[] {
  const weights = new Array<number>(n).fill(0)
  weights[index] = 1
  return weights
}

/** One touch takes all; two share the ends' weights, renormalised; more share the middle weight evenly. */
function byPosition(n: number, [first, middle, last]: readonly [number, number, number]): number[] {
  if (n === 1) return [1]
  if (n === 2) return first + last === 0 ? [1, 1] : [first, last]
  const weights = new Array<number>(n).fill(middle / (n - 2))
  weights[0] = first
  weights[n - 1] = last
  return weights
}

/** 30/30/30 for first, milestone and last, 10 over the rest; without a milestone of its own, the U shape. */
function wShape({ touches, settings }: WeighedJourney): number[] {
  const n = touches.length
  const milestone = touches.findIndex(
    ({ type }, at) => at > 0 && at < n - 1 && settings.milestone_types.includes(type),
  )
  if (milestone === -1) return byPosition(n, [0.4, 0.2, 0.4])
  if (n === 3) return [1, 1, 1]
  return touches.map((_, at) =>
    at === 0 || at === milestone || at === n - 1 ? 0.3 : 0.1 / (n - 3),
  )
}

/** Weight halves with every half-life of age, continuously. */
function decay({ touches, convertedAt }: WeighedJourney, halfLifeMs: number): number[] {
  // Ages are counted from the youngest touch: the same proportions, without underflow far in the past.
  let youngest = -Infinity
  for (const { last_at } of touches) youngest = Math.max(youngest, Math.min(last_at, convertedAt))
  return touches.map(
    ({ last_at }) => 2 ** (-(youngest - Math.min(last_at, convertedAt)) / halfLifeMs),
  )
}

/** Each channel of the journey weighs what it was trained to, whatever its place and however often it was touched, and
 * its touches share that evenly. Where none of them weighs anything, all weigh the same. */
function byChannel(
  touches: readonly JourneyTouch[],
  { weights: trained, alike }: TrainedWeights,
): number[] {
  const known = weightsIn(trained)
  const weights = new Array<number>(touches.length)
  let sum = 0
  for (let at = 0; at < touches.length; at += 1) {
    const weight = known.get(touches[at]?.channel ?? '') ?? trained.unseen_ppb
    sum += weight
    weights[at] = weight / (alike[at] ?? 1)
  }
  return sum > 0 ? weights : alike.map((touched) => 1 / touched)
}

/** Of each touch, how many there are of its channel. */
export function countAlike(touches: readonly JourneyTouch[]): number[] {
  // Of a few, comparing each with each is faster than a map.
  if (touches.length <= comparedMax) {
    return touches.map(({ channel }) => {
      let alike = 0
      for (const other of touches) if (other.channel === channel) alike += 1
      return alike
    })
  }
  const touched = new Map<string, number>()
  for (const { channel } of touches) touched.set(channel, (touched.get(channel) ?? 0) + 1)
  return touches.map(({ channel }) => touched.get(channel) ?? 1)
}

const comparedMax = 12

/** By version, since many orders are credited by one. */
const weightsByModel = new WeakMap<TrainedModel, ReadonlyMap<string, number>>()

function weightsIn(trained: TrainedModel): ReadonlyMap<string, number> {
  let weights = weightsByModel.get(trained)
  if (weights === undefined) {
    weights = new Map(trained.channels.map(({ channel, weight_ppb }) => [channel, weight_ppb]))
    weightsByModel.set(trained, weights)
  }
  return weights
}

function applyRules(
  weights: readonly number[],
  touches: readonly JourneyTouch[],
  rules: readonly CustomRule[],
): number[] {
  return touches.map((touch, at) => {
    let weight = weights[at] ?? 0
    for (const { match, multiplier } of rules) if (matches(touch, match)) weight *= multiplier
    return weight
  })
}

function matches(touch: JourneyTouch, match: CustomRule['match']): boolean {
  for (const field in match) {
    const of = field as keyof CustomRule['match']
    if (touch[of] !== match[of]) return false
  }
  return true
}
