// The sign of life of a lock's holder: the time of the file moves on. Only whether it moves is looked at, so that no two clocks
// have to agree.
import { closeSync, futimes, openSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const beatMs = 2_000
const lookMs = 100

/**
 * Gives signs of life until it is stopped. A holder that was frozen for so long that another took the lock over must not go on:
 * its process ends.
 */
export function beat(path: string, isLost: () => Promise<boolean>): () => void {
  // By the open file: the name may be another's by now.
  const file = openSync(path, 'r')
  let stopped = false
  let looking = false
  const once = async (): Promise<void> => {
    looking = true
    if ((await isLost()) && !stopped) {
      throw new Error(`${path} was taken over: this process stood still for too long`)
    }
    looking = false
    const now = new Date()
    // A disk that fails gives no sign of life; whoever writes to it hears of it.
    if (!stopped) futimes(file, now, now, () => undefined)
  }
  const timer = setInterval(() => {
    // A disk that stands still must not have one look after the other wait for it.
    if (!looking) void once()
  }, beatMs).unref()
  return () => {
    if (stopped) return
    stopped = true
    clearInterval(timer)
    closeSync(file)
  }
}

/** Whether the file's time moves, or the file goes, within `patienceMs`. */
export async function seesBeat(path: string, patienceMs: number): Promise<boolean> {
  const before = timeOf(path)
  for (const end = performance.now() + patienceMs; performance.now() < end;) {
    await pause(Math.min(lookMs, patienceMs))
    if (timeOf(path) !== before) return true
  }
  return false
}

function timeOf(path: string): bigint | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? null
}
