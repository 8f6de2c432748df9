// Full-jitter back-off for a dependency that is unwell; while it lasts /ready names it. One of the three
// seams where errors are caught.
import { backOff } from 'exponential-backoff'
import { DependencyError } from './errors'
import type { Health } from './health'

export interface RetryOptions {
  readonly health: Pick<Health, 'unwell' | 'well'>
  /** Longest pause between two tries. */
  readonly maxPauseMs?: number
  /** How often to try in all; by default for ever. */
  readonly attempts?: number
  /** Asked before each further try; false gives up, as on a stop. */
  readonly goOn?: () => boolean
}

/**
 * Runs `action` until it succeeds. Only a DependencyError is tried again; anything else is thrown at once.
 * @throws the last DependencyError when the attempts are used up or `goOn` says no
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  const unwell = new Set<string>()
  const result = await backOff(action, {
    jitter: 'full',
    startingDelay: 100,
    maxDelay: options.maxPauseMs ?? 10_000,
    numOfAttempts: options.attempts ?? Number.MAX_SAFE_INTEGER,
    retry: (error: unknown) => {
      if (!(error instanceof DependencyError)) return false
      unwell.add(error.dependency)
      options.health.unwell(error.dependency, error.message)
      return options.goOn?.() ?? true
    },
  })
  for (const dependency of unwell) options.health.well(dependency)
  return result
}
