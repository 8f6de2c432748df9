// Expected weights come from published definitions and worked examples, named beside each.
import { defaultSettings, type ModelSettings } from '../../../services/core/attribution/settings'
import { toPpb } from '../../../services/core/attribution/split-money'
import { weigh } from '../../../services/core/attribution/weights'
import type { TrainedKind } from '../../../services/core/models/train-models'
import { aJourneyTouch, dayMs, evening } from '../../given'

type Weighed = Exclude<ModelSettings, { kind: 'claim' | TrainedKind }>

const halfLife = (days: number): Weighed => ({
  name: 'time_decay',
  kind: 'time_decay',
  half_life_ms: days * dayMs,
})
const position = (first: number, middle: number, last: number): Weighed => ({
  name: 'position',
  kind: 'position',
  ends: [first, middle, last],
})
const plain = (kind: 'first' | 'last' | 'linear' | 'last_non_direct' | 'w_shape'): Weighed => ({
  name: kind,
  kind,
})

/** Weights, normalised to 1, of touches of these ages in days, oldest first. */
function weightsOf(
  model: Weighed,
  ages: readonly number[],
  types: readonly string[] = [],
): number[] {
  const touches = ages.map((age, at) =>
    aJourneyTouch({ id: `t${at}`, first_at: evening - age * dayMs, type: types[at] ?? 'click' }),
  )
  const weights = weigh(model, { touches, convertedAt: evening, settings: defaultSettings })
  return toPpb(weights).map((weight) => weight / 1e9)
}

const shape = (...weights: number[]): unknown[] =>
  weights.map((weight) => expect.closeTo(weight, 6))

test.each([
  ['Adobe: 9, 6, 0, 0 days at 7 days, of 50.00', 7, [9, 6, 0, 0], [6.92, 9.32, 16.88, 16.88], 50],
  ['PostHog: 3, 2, 1 days at 1 day', 1, [3, 2, 1], [1 / 7, 2 / 7, 4 / 7], 1],
  ['Adobe formula: 20, 5, 0 days at 7 days', 7, [20, 5, 0], [0.078976, 0.348784, 0.57224], 1],
  [
    'PostHog formula: 20, 5, 0 days at 7.5 days',
    7.5,
    [20, 5, 0],
    [0.088109, 0.352435, 0.559456],
    1,
  ],
])('time decay as published by %s', (_, days, ages, expected, value) => {
  const shares = weightsOf(halfLife(days), ages).map((weight) => weight * value)
  expect(shares).toEqual(expected.map((share) => expect.closeTo(share, 2) as unknown))
})

test('time decay is continuous: a touch half a half-life old weighs one over the square root of two', () => {
  const [older, newer] = weightsOf(halfLife(7), [3.5, 0])
  expect((older ?? 0) / (newer ?? 1)).toBeCloseTo(Math.SQRT1_2, 6)
})

test('touches ages ago still have weights that can be told apart', () => {
  expect(weightsOf(halfLife(0.001), [400, 400])).toEqual(shape(0.5, 0.5))
})

test.each([
  ['one touch takes all', [0], [1]],
  ['two touches share evenly', [1, 0], [0.5, 0.5]],
  ['three touches: 40/20/40', [2, 1, 0], [0.4, 0.2, 0.4]],
  ['five touches: the middle 20 is shared', [4, 3, 2, 1, 0], [0.4, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.4]],
])('U shape (Google Analytics, Snowplow, PostHog): %s', (_, ages, expected) => {
  expect(weightsOf(position(0.4, 0.2, 0.4), ages)).toEqual(shape(...expected))
})

test.each([
  ['J, two touches (Adobe: 25/75)', [0.2, 0.2, 0.6], [1, 0], [0.25, 0.75]],
  ['inverse J, two touches (Adobe: 75/25)', [0.6, 0.2, 0.2], [1, 0], [0.75, 0.25]],
  ['J, three touches (Adobe: 20/20/60)', [0.2, 0.2, 0.6], [2, 1, 0], [0.2, 0.2, 0.6]],
  ['ends without weight, two touches', [0, 1, 0], [1, 0], [0.5, 0.5]],
])('%s', (_, ends, ages, expected) => {
  const [first, middle, last] = ends as [number, number, number]
  expect(weightsOf(position(first, middle, last), ages)).toEqual(shape(...expected))
})

test.each([
  ['first', plain('first'), [1, 0, 0]],
  ['last', plain('last'), [0, 0, 1]],
  ['linear', plain('linear'), [1 / 3, 1 / 3, 1 / 3]],
] as const)('%s touch model of three touches', (_, model, expected) => {
  expect(weightsOf(model, [2, 1, 0])).toEqual(shape(...expected))
})

test.each([
  ['one touch', ['click'], [1]],
  ['two touches', ['click', 'form'], [0.5, 0.5]],
  ['three touches with a milestone: thirds', ['click', 'form', 'click'], [1 / 3, 1 / 3, 1 / 3]],
  ['three touches without one: the U shape', ['click', 'click', 'click'], [0.4, 0.2, 0.4]],
  [
    'five touches: 30/30/30 and 10 over the rest',
    ['click', 'click', 'form', 'click', 'click'],
    [0.3, 0.05, 0.3, 0.05, 0.3],
  ],
  ['a milestone at an end is none of its own', ['form', 'click', 'click'], [0.4, 0.2, 0.4]],
])('W shape: %s', (_, types, expected) => {
  const ages = types.map((_, at) => types.length - at)
  expect(weightsOf(plain('w_shape'), ages, types)).toEqual(shape(...expected))
})

function channelWeights(model: Weighed, channels: readonly string[]): number[] {
  const touches = channels.map((channel, at) => aJourneyTouch({ id: `t${at}`, channel }))
  return weigh(model, { touches, convertedAt: evening, settings: defaultSettings })
}

test('the last touch that is not direct takes all, however many direct ones follow', () => {
  expect(channelWeights(plain('last_non_direct'), ['a', 'b', 'direct', 'direct'])).toEqual([
    0, 1, 0, 0,
  ])
})

test('the last touch takes all when every touch is direct', () => {
  expect(channelWeights(plain('last_non_direct'), ['direct', 'direct'])).toEqual([0, 1])
})

test('custom rules multiply and exclude before weights are normalised', () => {
  const model: Weighed = {
    name: 'custom',
    kind: 'custom',
    base: 'linear',
    half_life_ms: dayMs,
    rules: [
      { match: { channel: 'a', type: 'click' }, multiplier: 3 },
      { match: { channel: 'b' }, multiplier: 0 },
    ],
  }
  expect(channelWeights(model, ['a', 'b', 'c'])).toEqual([3, 0, 1])
})
