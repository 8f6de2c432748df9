// One process per directory of state or spool; a holder that is gone (killed, or the machine restarted) holds nothing.
import { join } from 'node:path'
import { SetupError } from './errors'
import { tryLock, type Release } from './lock'

/**
 * Makes the directory when it is missing. `setting` names the setting that gives it, for the operator.
 * @returns what releases it. @throws SetupError when another live process has it, or it cannot be made
 */
export function lockDirectory(directory: string, setting: string): Release {
  const release = tryToLock(directory, setting)
  if (typeof release !== 'number') return release
  throw new SetupError(
    `${directory} is in use by process ${release}: give each process its own ${setting}`,
  )
}

/** @returns what releases it; else who has it. @throws SetupError when it cannot be made */
export function tryToLock(directory: string, setting: string): Release | number {
  try {
    return tryLock(join(directory, 'lock'))
  } catch (cause) {
    throw new SetupError(`cannot use ${directory}: check ${setting}: ${String(cause)}`, { cause })
  }
}
