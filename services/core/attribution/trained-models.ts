// Trained models as a partition knows them. They come in a copy for every partition and are kept at one node of it that
// all others may read. Which version credits an order is said by its conversion alone: the one with the latest
// valid_from not after it. Whatever came when, the same versions are known in the end, and the walk through the state
// has every order credited by the one it is due.
import { compareTexts } from '../compare-texts'
import { entryOf, type JourneyTurn } from '../identity/journey-state'
import type { Order, TrainedModel, TrainedVersion } from '../records'
import { reject, type Reject } from '../reject'
import { orderKeptMs, trainedLateMaxMs } from '../retention'
import { appliedTo } from './applied-settings'
import { conversionTime } from './attribute'
import type { AttributionSettings } from './settings'
import { wholePpb } from './split-money'

/** The node that keeps them; it is no identifier and no order. */
export const trainedNode = 'trained:'

const keys = {
  versions: (model: string) => `v|${model}`,
  weights: (model: string, version: string) => `w|${model}|${version}`,
}

/** Keeps a version, at its node. A second copy changes nothing. */
export function keepTrained(turn: JourneyTurn, trained: TrainedModel): Reject | undefined {
  const fault = trainedFault(trained, turn.appendedAt)
  if (fault !== undefined) return fault
  const { model, version, valid_from } = trained
  const versions = versionsOf(turn.get(keys.versions(model)))
  if (versions.some((known) => known.version === version)) return undefined
  const all = [...versions, { valid_from, version }].sort(
    (a, b) => a.valid_from - b.valid_from || compareTexts(a.version, b.version),
  )
  turn.put(keys.weights(model, version), entryOf({ trained }))
  turn.put(keys.versions(model), entryOf({ trained_versions: { versions: all } }))
  return undefined
}

/** The version of a model that credits what converted at a time; epoch ms. Undefined where none had been trained. */
export function trainedAt(turn: JourneyTurn, model: string, at: number): TrainedModel | undefined {
  const applied = latestUpTo(versionsOf(turn.common(keys.versions(model))), at)
  if (applied === undefined) return undefined
  return turn.common(keys.weights(model, applied.version))?.trained ?? undefined
}

/** By model of the settings, the version an order is due; none while it has not converted. */
export function trainedFor(
  turn: JourneyTurn,
  order: Order,
  all: readonly AttributionSettings[],
): Readonly<Record<string, string>> {
  const { settings } = appliedTo(order, all)
  const at = conversionTime(order, settings)
  const due: Record<string, string> = {}
  if (at === null) return due
  for (const { name, kind } of settings.models) {
    if (kind !== 'markov' && kind !== 'shapley') continue
    const applied = latestUpTo(versionsOf(turn.common(keys.versions(kind))), at)
    if (applied !== undefined) due[name] = applied.version
  }
  return due
}

/** Lets go of versions that a later one took the place of before any order that is kept was created. */
export function dropTrained(turn: JourneyTurn): void {
  const before = turn.acceptedUpTo - orderKeptMs
  const found = [...turn.range('v|', 'v}')]
  for (const [key, entry] of found) {
    const versions = versionsOf(entry)
    const first = versions.findLastIndex(({ valid_from }) => valid_from <= before)
    if (first <= 0) continue
    const model = key.slice('v|'.length)
    for (const { version } of versions.slice(0, first)) turn.remove(keys.weights(model, version))
    turn.put(key, entryOf({ trained_versions: { versions: versions.slice(first) } }))
  }
}

function versionsOf(entry: ReturnType<JourneyTurn['get']>): readonly TrainedVersion[] {
  return entry?.trained_versions?.versions ?? []
}

/** Of versions sorted by time the last that is valid. */
function latestUpTo(versions: readonly TrainedVersion[], at: number): TrainedVersion | undefined {
  let [low, high] = [0, versions.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((versions[middle]?.valid_from ?? 0) <= at) low = middle + 1
    else high = middle
  }
  return versions[low - 1]
}

/** What makes a version unfit. One that applied long before it reached its topic is refused: orders of that time may
 * have been frozen without it. */
function trainedFault(trained: TrainedModel, appendedAt: number): Reject | undefined {
  const { channels, valid_from: validFrom, unseen_ppb: unseen } = trained
  let sum = 0
  for (const { weight_ppb: weight } of channels) {
    if (!Number.isSafeInteger(weight) || weight < 0) {
      return reject('invalid', 'channels: a weight is not a whole number of at least 0')
    }
    sum += weight
  }
  if (sum !== wholePpb) return reject('invalid', `channels: weights sum to ${sum}, not 10^9`)
  if (!Number.isSafeInteger(unseen) || unseen < 0) return reject('invalid', 'unseen_ppb: below 0')
  return appendedAt > validFrom + trainedLateMaxMs
    ? reject('invalid', 'valid_from: too long before the record reached its topic')
    : undefined
}
