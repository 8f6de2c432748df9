import { setTimeout as pause } from 'node:timers/promises'

/** Waits until a fact holds. @throws naming the fact when it does not within the time */
export async function until(
  fact: () => boolean | Promise<boolean>,
  name: string,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await fact())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${name}`)
    await pause(20)
  }
}
