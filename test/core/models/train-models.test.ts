// Data-driven models against published worked examples, and against three computations that share nothing with ours:
// exact fractions in another language, random walks, and the removal itself played out step by step.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import {
  channelsIn,
  channelsKept,
  type Transition,
} from '../../../services/core/models/journey-counts'
import { removalEffects } from '../../../services/core/models/removal-effects'
import { shapleyValues } from '../../../services/core/models/shapley-values'
import { trainedModelOf, trainModels } from '../../../services/core/models/train-models'
import { evening, dayMs } from '../../given'
import { seededRandom } from '../../../scripts/evening/random'
import { aPath, countPaths, type Path } from './count-paths'

const terms = {
  ...{ valid_from: evening + 1, trained_at: evening, timeout_ms: 7 * dayMs },
  ...{ window_from: evening - 60 * dayMs, window_to: evening, channels_max: 100 },
  channels_folded: 0,
}

function effectsOf(paths: readonly Path[]): Record<string, number> {
  const { transitions, ...counts } = countPaths(paths)
  const channels = channelsIn({ transitions, ...counts })
  const { effects } = removalEffects(channels, transitions)
  return Object.fromEntries(channels.map((channel, at) => [channel, effects[at] ?? NaN]))
}

function valuesOf(paths: readonly Path[]): Record<string, number> {
  const counts = countPaths(paths)
  const channels = channelsIn(counts)
  const values = shapleyValues(channels, counts.sightings)
  return Object.fromEntries(channels.map((channel, at) => [channel, values[at] ?? NaN]))
}

function weightsOf(model: string, paths: readonly Path[]): Record<string, number> {
  const training = trainModels(countPaths(paths), terms).find((one) => one.model === model)
  const effects = training?.effects ?? []
  return Object.fromEntries(effects.map(({ channel, weight_ppb }) => [channel, weight_ppb]))
}

interface Exact {
  readonly conversion: number
  readonly removal: Readonly<Record<string, number>>
  readonly shapley: Readonly<Record<string, number>>
}

function exactly(paths: readonly Path[]): Exact {
  const input = JSON.stringify({
    paths: paths.map(({ channels, converted, journeys }) => [channels, converted, journeys]),
  })
  const said = execFileSync('python3', [join(__dirname, 'oracle.py')], { input, encoding: 'utf8' })
  return JSON.parse(said, (_, value: unknown) => {
    if (typeof value !== 'string') return value
    const [over, under] = value.split('/')
    return Number(over) / Number(under ?? 1)
  }) as Exact
}

const near = (some: Readonly<Record<string, number>>, digits = 9): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(some).map(([name, value]) => [name, expect.closeTo(value, digits) as unknown]),
  )

// Bryl', analyzecore.com 2016, part 1: three journeys, one of them an order.
const bryl = [aPath('C1 > C2 > C3 > order'), aPath('C1 > nothing'), aPath('C2 > C3 > nothing')]
// Puzyrov, serhiipuzyrov.com 2019: five journeys, four orders.
const puzyrov = [
  ...[aPath('google > order', 2), aPath('mailing > order')],
  ...[aPath('google > mailing > order'), aPath('google > nothing')],
]

test('removal effects as published by Bryl: without C1 half of the orders go, without C2 or C3 all', () => {
  expect(effectsOf(bryl)).toEqual(near({ C1: 0.5, C2: 1, C3: 1 }))
  expect(weightsOf('markov', bryl)).toEqual({ C1: 200_000_000, C2: 400_000_000, C3: 400_000_000 })
})

test('removal effects of the five journeys of Puzyrov: an order follows with 0.8, without Google with 0.2', () => {
  const { conversion } = removalEffects(['google', 'mailing'], countPaths(puzyrov).transitions)
  expect(conversion).toBeCloseTo(0.8, 12)
  expect(effectsOf(puzyrov)).toEqual(near({ google: 0.75, mailing: 0.5 }))
  expect(weightsOf('markov', puzyrov)).toEqual({ google: 600_000_000, mailing: 400_000_000 })
})

test('simplified Shapley values as the order split over its different channels, by the formula of Zhao et al.', () => {
  // Shares of orders by the set of channels they took, as in the worked example of F, O and L with the worth of
  // coalitions 0.2, 0.1, 0.17, 0.47, 0.67, 0.27 and 1.
  const paths = [
    ...[aPath('F > order', 20), aPath('O > order', 10), aPath('L > order', 17)],
    ...[aPath('F > O > order', 17), aPath('L > F > order', 30), aPath('F > O > L > order', 6)],
  ]
  expect(valuesOf(paths)).toEqual(near({ F: 45.5, L: 34, O: 20.5 }))
  expect(exactly(paths).shapley).toEqual(near({ F: 45.5, L: 34, O: 20.5 }))
})

const channels = ['a', 'b', 'c', 'd', 'e']
const arbitraryPath = fc.record({
  channels: fc.array(fc.constantFrom(...channels), { minLength: 1, maxLength: 8 }),
  converted: fc.boolean(),
  journeys: fc.integer({ min: 1, max: 1_000 }),
})
const arbitraryPaths = fc
  .array(arbitraryPath, { minLength: 1, maxLength: 12 })
  .map((paths) => [...paths, { channels: ['a', 'b'], converted: true, journeys: 3 }])

test('both models agree with exact fractions in another language', () => {
  const samples = fc.sample(arbitraryPaths, { seed: 6, numRuns: 12 })
  for (const paths of [bryl, puzyrov, ...samples]) {
    const { removal, shapley, conversion } = exactly(paths)
    expect(effectsOf(paths)).toEqual(near(removal))
    expect(valuesOf(paths)).toEqual(near(shapley))
    const counts = countPaths(paths)
    expect(removalEffects(channelsIn(counts), counts.transitions).conversion).toBeCloseTo(
      conversion,
      9,
    )
  }
})

test('a removal effect is how much less probable an order gets, walked through step by step', () => {
  for (const paths of fc.sample(arbitraryPaths, { seed: 7, numRuns: 40 })) {
    const whole = walkOut(paths, null)
    const expected = Object.fromEntries(
      Object.keys(effectsOf(paths)).map((channel) => [
        channel,
        1 - walkOut(paths, channel) / whole,
      ]),
    )
    expect(effectsOf(paths)).toEqual(near(expected))
  }
})

test('a removal effect is the share of random walks to an order that came by the channel', () => {
  const [paths] = fc.sample(arbitraryPaths, { seed: 8, numRuns: 1 })
  const walked = walkAtRandom(paths ?? [], 200_000)
  expect(Object.keys(walked)).toHaveLength(Object.keys(effectsOf(paths ?? [])).length)
  for (const [channel, effect] of Object.entries(effectsOf(paths ?? []))) {
    expect(Math.abs(effect - (walked[channel] ?? NaN))).toBeLessThan(0.01)
  }
})

test('no channel is ever below nothing, and the weights are whole', () => {
  fc.assert(
    fc.property(arbitraryPaths, (paths) => {
      const effects = Object.values(effectsOf(paths))
      expect(effects.every((effect) => effect >= 0 && effect <= 1)).toBe(true)
      // Every order came by one channel at least.
      expect(effects.reduce((sum, effect) => sum + effect, 0)).toBeGreaterThan(1 - 1e-9)
      for (const model of ['markov', 'shapley']) {
        const weights = Object.values(weightsOf(model, paths))
        expect(weights.every((weight) => Number.isSafeInteger(weight) && weight >= 0)).toBe(true)
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(1_000_000_000)
      }
    }),
  )
})

test('a channel that is entered twice in a row weighs as if it were entered once', () => {
  const [once, twice] = [aPath('a > b > a > order', 2), aPath('a > a > b > b > b > a > order', 2)]
  const others = [aPath('b > nothing', 3), aPath('c > a > order')]
  const { transitions } = countPaths([twice, ...others])
  const kept = [...transitions, { from: 'b', to: 'b', times: 6 }, { from: 'a', to: 'a', times: 2 }]
  expect(removalEffects(['a', 'b', 'c'], kept)).toEqual(
    removalEffects(['a', 'b', 'c'], countPaths([once, ...others]).transitions),
  )
})

test('a channel without which nothing changes has no effect, and one that ends all journeys alike has its share', () => {
  const paths = [aPath('a > order', 5), aPath('b > nothing', 5), aPath('a > nothing', 5)]
  expect(effectsOf(paths)).toEqual(near({ a: 1, b: 0 }))
  const [markov] = trainModels(countPaths(paths), terms)
  expect(markov?.effects).toEqual([
    { channel: 'a', journeys: 10, conversions: 5, effect_ppb: 1e9, weight_ppb: 1e9 },
    { channel: 'b', journeys: 5, conversions: 0, effect_ppb: 0, weight_ppb: 0 },
  ])
  // What was never seen weighs as the least of those that weigh anything.
  expect(markov?.unseen_ppb).toBe(1e9)
})

test('without an order among the journeys nothing is trained, rather than everything nought', () => {
  expect(trainModels(countPaths([aPath('a > b > nothing', 9)]), terms)).toEqual([])
  expect(trainModels({ transitions: [], sightings: [] }, terms)).toEqual([])
})

test('the same counts come to the same version, in whatever order they are given; others to another', () => {
  const paths = [...bryl, ...puzyrov]
  const { transitions, sightings } = countPaths(paths)
  const [one] = trainModels({ transitions, sightings }, terms)
  const [other] = trainModels({ transitions, sightings: [...sightings].reverse() }, terms)
  const [changed] = trainModels(countPaths([...paths, aPath('C1 > order')]), terms)
  expect(other).toEqual(one)
  expect(changed?.version).not.toBe(one?.version)
  expect(one?.version.slice(0, 24)).toBe(new Date(evening).toISOString())
  expect(one && trainedModelOf(one).channels.map(({ channel }) => channel)).toEqual([
    'C1',
    'C2',
    'C3',
    'google',
    'mailing',
  ])
})

test('two hundred channels that all lead to one another are still solved exactly', () => {
  const random = seededRandom(9)
  const names = Array.from({ length: 200 }, (_, at) => `channel ${String(at)}`)
  const paths = Array.from({ length: 5_000 }, (): Path => {
    const length = 1 + random.below(20)
    const steps = Array.from({ length }, () => random.pick(names))
    return { channels: steps, converted: random.below(100) === 0, journeys: 1 }
  })
  const effects = effectsOf(paths)
  const some = names[7] ?? ''
  expect(effects[some]).toBeCloseTo(1 - walkOut(paths, some) / walkOut(paths, null), 9)
  expect(Object.values(effects).every((effect) => effect >= 0 && effect <= 1)).toBe(true)
})

test('of more channels than a model takes the rarest are counted as other', () => {
  const all = ['x', 'a', 'b', 'c', '(start)'].map((channel, at) => ({ channel, journeys: 4 - at }))
  expect(channelsKept(all, 2)).toEqual(['a', 'x'])
  expect(channelsKept(all, 9)).toEqual(['a', 'b', 'c', 'x'])
  expect(channelsKept([...all, { channel: 'd', journeys: 3 }], 2)).toEqual(['a', 'x'])
})

/** The probability of an order, by sending all of the journeys on a step at a time until they have ended; who comes to
 * the removed channel is lost. */
function walkOut(paths: readonly Path[], removed: string | null): number {
  const { transitions } = countPaths(paths)
  const from = waysFrom(transitions)
  let here = new Map([['(start)', 1]])
  let ordered = 0
  for (let step = 0; step < 100_000 && here.size > 0; step += 1) {
    const there = new Map<string, number>()
    for (const [state, many] of here) {
      const ways = from.get(state) ?? []
      const all = ways.reduce((sum, { times }) => sum + times, 0)
      for (const { to, times } of ways) {
        const part = (many * times) / all
        if (to === '(conversion)') ordered += part
        else if (to !== '(none)' && to !== removed && part > 1e-16) {
          there.set(to, (there.get(to) ?? 0) + part)
        }
      }
    }
    here = there
  }
  return ordered
}

/** Of random walks that end in an order, the share that came by each channel. */
function walkAtRandom(paths: readonly Path[], walks: number): Record<string, number> {
  const { transitions } = countPaths(paths)
  const random = seededRandom(3)
  const ways = new Map(
    [...waysFrom(transitions)].map(([state, some]) => {
      return [state, some.flatMap(({ to, times }) => new Array<string>(times).fill(to))]
    }),
  )
  const came = new Map<string, number>()
  let orders = 0
  for (let walk = 0; walk < walks; walk += 1) {
    const by = new Set<string>()
    let state = '(start)'
    while (state !== '(conversion)' && state !== '(none)') {
      state = random.pick(ways.get(state) ?? [])
      by.add(state)
    }
    if (state === '(none)') continue
    orders += 1
    for (const one of by) came.set(one, (came.get(one) ?? 0) + 1)
  }
  came.delete('(conversion)')
  return Object.fromEntries([...came].map(([channel, many]) => [channel, many / orders]))
}

function waysFrom(transitions: readonly Transition[]): Map<string, Transition[]> {
  const ways = new Map<string, Transition[]>()
  for (const one of transitions) ways.set(one.from, [...(ways.get(one.from) ?? []), one])
  return ways
}
