// Sends at a steady pace, whether or not answers come, and notes when each was answered: what a client waits for is counted
// from when it should have been sent.
import { setTimeout as pause } from 'node:timers/promises'

export interface Pace {
  /** Calls of `send` a second. */
  readonly perSecond: number
  readonly seconds: number
}

/** Sends on time. Resolves when every call has been answered. @throws what a call throws */
export async function sendSteadily(
  { perSecond, seconds }: Pace,
  send: (at: number) => Promise<void>,
): Promise<void> {
  const began = performance.now()
  const count = Math.round(perSecond * seconds)
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  for (let at = 0; at < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1_000) * perSecond) + 1)
    for (; at < due; at += 1) {
      const sending: Promise<void> = send(at).then(
        () => void underWay.delete(sending),
        (error: unknown) => {
          failures.push(error)
        },
      )
      underWay.add(sending)
    }
    if (failures.length > 0) throw failures[0]
    await pause(Math.max(1, (1_000 * at) / perSecond - (performance.now() - began)))
  }
  await Promise.all(underWay)
}
