// Plays many seeds and says of one that fails everything needed to play it again.
import { countFrozen, countRetrained, differences } from './differences'
import { faultKinds, type FaultKind } from './fault-plan'
import { inputsOf } from './history'
import { play, type Played, type PlantedBug } from './play'

/** What is played unless the environment says otherwise. */
export const seedsOfARun = 3_000
/** SEED=7 plays that one alone, and shows what happened in it; SEEDS=100000 plays more, for a night of doubt. */
const one = process.env['SEED']
const many = Number(process.env['SEEDS'] ?? seedsOfARun)
const differencesShown = 8
const actionsShown = 200

export interface SeedsPlayed {
  readonly seeds: number
  readonly struck: ReadonlyMap<FaultKind, number>
  /** Orders whose touches had left in the end. */
  readonly frozen: number
  /** Histories in which settings were renewed. */
  readonly renewed: number
  /** Orders that were credited anew by a trained model that they had not heard of. */
  readonly retrained: number
}

/** Plays every `step`-th seed beginning with `first`, or the one the environment names if it is among them.
 * @throws with the seed, its faults and how to replay it when a history does not end as it must */
export async function playSeeds(first: number, step: number): Promise<SeedsPlayed> {
  const struck = new Map<FaultKind, number>(faultKinds.map((kind) => [kind, 0]))
  const numbers =
    one === undefined
      ? range(first, step)
      : [Number(one)].filter((seed) => (seed - first) % step === 0)
  let [frozen, renewed, retrained] = [0, 0, 0]
  for (const seed of numbers) {
    const played = await play(seed)
    const wrong = differences(played)
    if (wrong.length > 0) throw new Error(describeFailure(played, wrong))
    if (played.history.seasons.length > 1) frozen += countFrozen(played)
    if (played.history.renewed !== null) renewed += 1
    retrained += countRetrained(played)
    for (const { kind } of played.happened) struck.set(kind, (struck.get(kind) ?? 0) + 1)
  }
  return { seeds: numbers.length, struck, frozen, renewed, retrained }
}

/** @returns the first of `within` seeds from `seed` on that shows the bug, and how; null when none does */
export async function findCatchingSeed(
  bug: PlantedBug,
  { seed, within }: { readonly seed: number; readonly within: number },
): Promise<{ readonly seed: number; readonly wrong: string } | null> {
  for (let number = seed; number < seed + within; number += 1) {
    const [wrong] = differences(await play(number, bug))
    if (wrong !== undefined) return { seed: number, wrong }
  }
  return null
}

function range(first: number, step: number): number[] {
  const numbers: number[] = []
  for (let seed = first; seed <= many; seed += step) numbers.push(seed)
  return numbers
}

function describeFailure(played: Played, wrong: readonly string[]): string {
  const { seed, faults, happened, trace, actions, history } = played
  const plan = faults.map(({ kind, moment }) => `  ${kind}, moment ${moment}`)
  const shown = one === undefined ? [] : ['what happened last:', ...trace.slice(-actionsShown)]
  return [
    `seed ${seed}: ${inputsOf(history).length} inputs, ${actions} actions, ${happened.length} faults struck of the plan`,
    ...plan,
    ...wrong.slice(0, differencesShown),
    ...(wrong.length > differencesShown ? [`and ${wrong.length - differencesShown} more`] : []),
    ...shown,
    `replay: SEED=${seed} npx jest --selectProjects simulation`,
  ].join('\n')
}
