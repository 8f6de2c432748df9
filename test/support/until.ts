// Waits for a fact instead of a time.
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves with the first value of `fact` that is neither undefined nor false.
 * @throws when `timeoutMs` passes first, with `what` was waited for */
export async function until<T>(
  fact: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string) = 'a fact',
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await fact()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for: ${typeof what === 'string' ? what : what()}`)
    }
    await pause(20)
  }
}
