// A lock that a killed process cannot leave behind: the file names its holder, and a holder that is gone holds nothing.
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { processIdentity } from './process-identity'

/** Releases the lock; harmless when called again. */
export type Release = () => void

/** @returns the way to release it, or the process id of the holder */
export function tryLock(path: string): Release | number {
  mkdirSync(dirname(path), { recursive: true })
  const identity = processIdentity(process.pid) ?? String(process.pid)
  const mine = `${path}.${randomUUID()}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, identity, lock: mine }))
  try {
    for (;;) {
      if (linked(mine, path)) {
        return () => {
          releaseOwn(path, mine)
        }
      }
      const holder = readHolder(path)
      if (holder === null) continue
      if (processIdentity(holder.pid) === holder.identity) return holder.pid
      dropStale(path, holder)
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Runs `action` alone among all processes that use this path. `onWait` is told once, when somebody else is first. */
export async function withLock<T>(
  path: string,
  action: () => Promise<T>,
  onWait: (pid: number) => void = () => undefined,
): Promise<T> {
  let release = tryLock(path)
  if (typeof release === 'number') onWait(release)
  while (typeof release === 'number') {
    await pause(200)
    release = tryLock(path)
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
