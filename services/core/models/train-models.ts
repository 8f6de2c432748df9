// A training: from counts of journeys to what each data-driven model says of each channel, and to the weights by which
// orders are credited. The same counts come to the same records, byte by byte.
import { digestOf } from '../digest'
import { toPpb, wholePpb } from '../attribution/split-money'
import type { ChannelEffect, ModelTraining, TrainedModel } from '../records'
import {
  channelsIn,
  conversionsIn,
  journeysIn,
  sumOf,
  type ChannelSighting,
  type JourneyCounts,
} from './journey-counts'
import { removalEffects } from './removal-effects'
import { shapleyValues } from './shapley-values'

/** Models whose weights are computed from all journeys. */
export const trainedKinds = ['markov', 'shapley'] as const
export type TrainedKind = (typeof trainedKinds)[number]

/** What a training was computed from, and from when its models apply; all times are epoch ms. */
export type TrainingTerms = Omit<
  ModelTraining,
  'model' | 'version' | 'journeys' | 'conversions' | keyof Trained
>

/** One training of every model; none where no journey ended in an order, since nothing can be learnt from that. */
export function trainModels(counts: JourneyCounts, terms: TrainingTerms): ModelTraining[] {
  if (conversionsIn(counts) === 0) return []
  return trainedKinds.map((kind) => {
    const training = kind === 'markov' ? markov(counts) : shapley(counts)
    const journeys = { journeys: journeysIn(counts), conversions: conversionsIn(counts) }
    const content = { model: kind, ...terms, ...journeys, ...training }
    return { ...content, version: versionOf(content) }
  })
}

/** Of a training what orders are credited by. */
export function trainedModelOf(training: ModelTraining): TrainedModel {
  const { model, version, valid_from, trained_at, effects, unseen_ppb } = training
  const channels = effects.map(({ channel, weight_ppb }) => ({ channel, weight_ppb }))
  return { model, version, valid_from, trained_at, channels, unseen_ppb }
}

type Trained = Pick<ModelTraining, 'conversion_ppb' | 'effects' | 'transitions' | 'unseen_ppb'>

function markov(counts: JourneyCounts): Trained {
  const channels = channelsIn(counts)
  const { conversion, effects } = removalEffects(channels, counts.transitions)
  return {
    conversion_ppb: Math.round(conversion * wholePpb),
    ...effectsOf(counts, effects),
    transitions: counts.transitions.map(({ from, to, times }) => ({
      ...{ from_state: from, to_state: to, times },
    })),
  }
}

function shapley(counts: JourneyCounts): Trained {
  const conversions = conversionsIn(counts)
  const values = shapleyValues(channelsIn(counts), counts.sightings)
  return {
    conversion_ppb: Math.round((conversions / journeysIn(counts)) * wholePpb),
    ...effectsOf(
      counts,
      values.map((value) => value / conversions),
    ),
    transitions: [],
  }
}

function effectsOf(
  counts: JourneyCounts,
  effects: readonly number[],
): Pick<ModelTraining, 'effects' | 'unseen_ppb'> {
  const weights = toPpb(effects)
  const found = channelsIn(counts).map((channel, at): ChannelEffect => {
    const held = counts.sightings.filter((sighting) => sighting.channel === channel)
    return {
      channel,
      journeys: sumOf(held.map(journeysOf)),
      conversions: sumOf(held.filter(({ converted }) => converted).map(journeysOf)),
      effect_ppb: Math.round((effects[at] ?? 0) * wholePpb),
      weight_ppb: weights[at] ?? 0,
    }
  })
  return { effects: found, unseen_ppb: Math.min(...weights.filter((weight) => weight > 0)) }
}

function journeysOf({ journeys }: ChannelSighting): number {
  return journeys
}

/** When it was trained, for people, and a digest: two trainings of one moment that say different things have two names. */
function versionOf(content: Omit<ModelTraining, 'version'>): string {
  const { model, valid_from, trained_at, effects, unseen_ppb } = content
  const said = JSON.stringify([model, valid_from, trained_at, effects, unseen_ppb])
  return `${new Date(trained_at).toISOString()}-${digestOf(said).slice(0, 8)}`
}
