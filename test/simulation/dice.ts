// Chance that can be repeated: everything a simulated history does by chance comes from one seed.

export interface Dice {
  /** An integer from 0 to n - 1. */
  below(n: number): number
  /** From `low` to `high`, both included. */
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  shuffle<T>(values: readonly T[]): T[]
  /** `n` different ones, or all there are. */
  some<T>(from: readonly T[], n: number): T[]
}

/** The mulberry32 generator (public domain); `stream` keeps what is drawn for different ends apart. */
export function rollDice(seed: number, stream: string): Dice {
  let state = seed >>> 0
  for (let at = 0; at < stream.length; at += 1) {
    state = Math.imul(state ^ stream.charCodeAt(at), 0x9e3779b1) >>> 0
  }
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  const shuffle = <T>(values: readonly T[]): T[] => {
    const shuffled = [...values]
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = below(at + 1)
      const [a, b] = [shuffled[at], shuffled[other]]
      if (a !== undefined && b !== undefined) [shuffled[at], shuffled[other]] = [b, a]
    }
    return shuffled
  }
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: <T>(from: readonly T[]): T => from[below(from.length)] as T,
    shuffle,
    some: (from, n) => shuffle(from).slice(0, n),
  }
}
