// One process per state directory. The lock is a file with the holder's process id; a holder that is gone
// (killed, or the machine restarted) holds nothing.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../runtime/errors'

/** @returns what releases the lock. @throws SetupError when another live process has it */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'pid')
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : null
  if (holder !== null && holder !== process.pid && isAlive(holder)) {
    throw new SetupError(
      `the state directory ${directory} is in use by process ${holder}: give each process its own STATE_DIRECTORY`,
    )
  }
  writeFileSync(file, String(process.pid))
  return () => {
    rmSync(file, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // No such process; or one of another user, which cannot have written this file.
    return false
  }
}
