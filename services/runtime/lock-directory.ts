// One process per directory of state or spool; a holder that is gone (killed, or the machine restarted) holds nothing.
import { join } from 'node:path'
import { SetupError } from './errors'
import { lockOrHolder, type LockHolder, type Release } from './lock'

/**
 * Makes the directory when it is missing. `setting` names the setting that gives it, for the operator.
 * @returns what releases it. @throws SetupError when another live process has it, or it cannot be made
 */
export async function lockDirectory(directory: string, setting: string): Promise<Release> {
  const release = await tryToLock(directory, setting)
  if (typeof release === 'function') return release
  const where = release.isElsewhere ? ' of another container or machine' : ''
  throw new SetupError(
    `${directory} is in use by process ${release.pid}${where}: give each process its own ${setting}`,
  )
}

/** @returns what releases it; else who has it. @throws SetupError when it cannot be made */
export async function tryToLock(directory: string, setting: string): Promise<Release | LockHolder> {
  try {
    return await lockOrHolder(join(directory, 'lock'))
  } catch (cause) {
    throw new SetupError(`cannot use ${directory}: check ${setting}: ${String(cause)}`, { cause })
  }
}
