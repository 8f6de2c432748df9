// A lock that a killed process cannot leave behind: the file names its holder, and a holder that is gone holds nothing. One in
// another container or on another machine cannot be looked at: it holds for as long as it touches the file. Written here because
// the packages for it (proper-lockfile) have only that: whoever starts after a kill waits until the file is old, by two clocks.
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { beat, seesBeat } from './lock-beat'
import { processIdentity, processPlace } from './process-identity'

/** Releases the lock; harmless when called again. */
export type Release = () => void

/** Five beats. */
const defaultPatienceMs = 10_000

export interface LockHolder {
  readonly pid: number
  /** In a container or on a machine of its own, where the id means something. */
  readonly isElsewhere: boolean
}

/** @returns the way to release it, or the process id of the holder; whoever is elsewhere is taken for alive */
export function tryLock(path: string): Release | number {
  const outcome = tryOnce(path, null)
  return typeof outcome === 'function' ? outcome : outcome.pid
}

/** Like `tryLock`, but a holder elsewhere that gives no sign of life for `patienceMs` holds nothing. */
export async function lockOrHolder(
  path: string,
  patienceMs = defaultPatienceMs,
): Promise<Release | LockHolder> {
  let dead: string | null = null
  for (;;) {
    const outcome = tryOnce(path, dead)
    if (typeof outcome === 'function') return outcome
    const { pid, lock } = outcome
    const isElsewhere = isForeign(outcome)
    if (!isElsewhere) return { pid, isElsewhere }
    if ((await seesBeat(path, patienceMs)) && readHolder(path)?.lock === lock) {
      return { pid, isElsewhere }
    }
    dead = lock
  }
}

/** @param dead a lock whose holder, elsewhere, was found to give no sign of life */
function tryOnce(path: string, dead: string | null): Release | Holder {
  mkdirSync(dirname(path), { recursive: true })
  const identity = processIdentity(process.pid) ?? String(process.pid)
  const mine = `${path}.${randomUUID()}`
  const holding: Holder = { pid: process.pid, identity, place: processPlace(), lock: mine }
  writeFileSync(mine, JSON.stringify(holding))
  try {
    for (;;) {
      if (linked(mine, path)) {
        const stop = beat(path, () => isLost(path, mine))
        return () => {
          stop()
          releaseOwn(path, mine)
        }
      }
      const holder = readHolder(path)
      if (holder === null) continue
      const isAlive = isForeign(holder)
        ? holder.lock !== dead
        : processIdentity(holder.pid) === holder.identity
      if (isAlive) return holder
      dropStale(path, holder)
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** What an earlier version wrote down, or a crash of the machine left of it, says no place: it is judged as one of here. */
function isForeign({ place }: Holder): boolean {
  return place !== undefined && place !== processPlace()
}

/** Somebody has taken the lock over, not having seen a sign of life for too long. A missing file is nobody's. */
async function isLost(path: string, mine: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return text !== null && text !== '' && (JSON.parse(text) as Holder).lock !== mine
}

/** Runs `action` alone among all processes that use this path. `onWait` is told once, when somebody else is first. */
export async function withLock<T>(
  path: string,
  action: () => Promise<T>,
  onWait: (pid: number) => void = () => undefined,
): Promise<T> {
  let release = await lockOrHolder(path)
  if (typeof release !== 'function') onWait(release.pid)
  while (typeof release !== 'function') {
    await pause(200)
    release = await lockOrHolder(path)
  }
  try {
    return await action()
  } finally {
    release()
  }
}

interface Holder {
  readonly pid: number
  readonly identity: string
  /** Where the id and the identity mean something. */
  readonly place?: string
  readonly lock: string
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    // Not flushed before the machine went down: whoever wrote it is gone.
    if (error instanceof SyntaxError) return { pid: 0, identity: '', lock: '' }
    throw error
  }
}

// Renamed before it is removed: of two that find the same stale lock one would else remove the other's new one.
function dropStale(path: string, holder: Holder): void {
  const aside = `${path}.${randomUUID()}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (readHolder(aside)?.lock !== holder.lock) linked(aside, path)
  rmSync(aside, { force: true })
}

function releaseOwn(path: string, mine: string): void {
  if (readHolder(path)?.lock === mine) rmSync(path, { force: true })
}
