// Chance that can be played again: mulberry32 (public domain), one 32-bit state.

export interface Random {
  /** A number in [0, 1). */
  fraction(): number
  /** A whole number from 0 to below `n`. */
  below(n: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number): number => Math.floor(fraction() * n)
  return {
    fraction,
    below,
    chance: (probability) => fraction() < probability,
    pick: (from) => {
      const picked = from[below(from.length)]
      if (picked === undefined) throw new Error('nothing to pick from')
      return picked
    },
  }
}
