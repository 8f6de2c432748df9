// Token buckets by key, in bounded memory: the bucket unused for longest is forgotten first, which only means
// that it is full. Written here because the well-kept packages count in fixed windows and keep a timer and an entry
// for every key they ever saw until its window ends.
import { takeTokens, waitOf, type Rate } from '../core/edge/token-bucket'

export interface RateLimits {
  /** Takes `cost` tokens of a key. @returns 0, or the milliseconds to wait: then nothing was taken */
  take(key: string, taking: { readonly rate: Rate; readonly cost: number }): number
  /** Milliseconds until the key has a token again, without taking one. */
  wait(key: string, rate: Rate): number
}

export function createRateLimits(keysMax: number, now: () => number): RateLimits {
  const buckets = new Map<string, number>()
  return {
    take(key, { rate, cost }) {
      const { fullAt, waitMs } = takeTokens(buckets.get(key), { rate, cost, nowMs: now() })
      // Behind the others, where one will have to go.
      if (keysMax !== Infinity) buckets.delete(key)
      buckets.set(key, fullAt)
      if (buckets.size > keysMax) {
        const [oldest] = buckets.keys()
        if (oldest !== undefined) buckets.delete(oldest)
      }
      return waitMs
    },
    wait: (key, rate) => waitOf(buckets.get(key), rate, now()),
  }
}
