// Trained models in a history: published to every partition, which hear of them at different times: before the orders
// they credit, after, twice, in any order. Drawn from dice of their own, so that histories without them stay as they were.
import type { AttributionSettings, ModelSettings } from '../../services/core/attribution/settings'
import type { ChannelWeight, TrainedModel } from '../../services/core/records'
import { dayMs, evening, hourMs, minuteMs } from '../given'
import type { Dice } from './dice'
import type { History, Input, Season } from './history'
import type { Rules } from './rules'

export interface TrainedInput {
  readonly topic: 'trained-models'
  readonly value: TrainedModel
  readonly partition: number
  /** It becomes a dead letter. */
  readonly unfit: boolean
}

export function addTrained(dice: Dice, history: History): History {
  if (dice.chance(0.4)) return history
  const { rules, renewed, seasons } = history
  return {
    ...history,
    rules: withTrainedModels(dice, rules),
    renewed: renewed === null ? null : withTrainedModels(dice, renewed),
    seasons: seasons.map((season, at) => ({
      ...season,
      inputs: mingle(dice, season.inputs, drawTrained(dice, history, at)),
    })),
  }
}

function withTrainedModels(dice: Dice, rules: Rules): Rules {
  const trained: readonly ModelSettings[] = [
    { name: 'markov', kind: 'markov' },
    { name: 'shapley', kind: 'shapley' },
  ]
  const attribution = rules.attribution.map((settings): AttributionSettings => {
    return { ...settings, models: [...settings.models, ...dice.some(trained, dice.between(1, 2))] }
  })
  return { ...rules, attribution }
}

function drawTrained(dice: Dice, { partitions, seasons }: History, at: number): TrainedInput[] {
  const many = dice.between(1, 4)
  let last: TrainedModel | null = null
  return Array.from({ length: many }, (_, number) => {
    const drawn = drawModel(dice, `${String(at)}-${String(number)}`, shiftOf(seasons, at))
    const { model, valid_from, trained_at } = last ?? drawn
    // Two may be of one moment: then their names decide.
    const tied: TrainedModel =
      dice.chance(0.3) && last !== null ? { ...drawn, model, valid_from, trained_at } : drawn
    last = tied
    return copiesOf(dice, tied, partitions)
  })
    .concat(dice.chance(0.2) ? [[drawUnfit(dice, at, partitions)]] : [])
    .flat()
}

function shiftOf(seasons: readonly Season[], at: number): number {
  return (seasons[at]?.beginsAt ?? 0) - (seasons[0]?.beginsAt ?? 0)
}

function copiesOf(dice: Dice, value: TrainedModel, partitions: number): TrainedInput[] {
  return Array.from({ length: partitions }, (_, partition): TrainedInput[] => {
    const copy = { topic: 'trained-models', value, partition, unfit: false } as const
    return dice.chance(0.1) ? [copy, copy] : [copy]
  }).flat()
}

/** Whose weights do not sum up, or that had applied for months before it was published. */
function drawUnfit(dice: Dice, at: number, partitions: number): TrainedInput {
  const late = drawModel(dice, `late-${String(at)}`, 0)
  const { channels, ...rest } = late
  const wrong = { ...rest, channels: [...channels, { channel: 'tv', weight_ppb: 1 }] }
  const value = at === 0 ? wrong : late
  return { topic: 'trained-models', value, partition: dice.below(partitions), unfit: true }
}

function drawModel(dice: Dice, name: string, shift: number): TrainedModel {
  // Orders are placed in the two days before the evening and paid up to two days later.
  const validFrom = evening + shift - 50 * hourMs + dice.below(100) * hourMs
  return {
    model: dice.pick(['markov', 'shapley']),
    version: `${dice.pick(['a', 'b', 'c'])}-${name}`,
    valid_from: dice.chance(0.2) ? validFrom - 30 * hourMs : validFrom,
    trained_at: validFrom - 2 * dayMs - dice.below(60) * minuteMs,
    channels: drawWeights(dice),
    unseen_ppb: dice.pick([0, 1, 10_000_000]),
  }
}

function drawWeights(dice: Dice): ChannelWeight[] {
  const channels = dice.some(
    ['direct', 'douyin.live', 'douyin.video', 'wechat.group'],
    dice.between(1, 4),
  )
  let left = 1_000_000_000
  return channels.sort().map((channel, at) => {
    const weight = at === channels.length - 1 ? left : dice.pick([0, 1, dice.below(left + 1)])
    left -= weight
    return { channel, weight_ppb: weight }
  })
}

/** Both in one sequence; the inputs keep their order. */
function mingle(
  dice: Dice,
  inputs: readonly Input[],
  trained: readonly TrainedInput[],
): readonly Input[] {
  const all = [...inputs]
  for (const one of trained) {
    // Often after everything else, when the walk alone can find the orders that are due it.
    all.splice(dice.chance(0.4) ? all.length : dice.below(all.length + 1), 0, one)
  }
  return all
}
