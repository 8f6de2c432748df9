// The spools of edges that do not run. One that runs empties its spool into the topic, where the request reaches it.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { purgeSpool, type Purged } from '../../services/runtime/purge-spool'

export interface PurgedSpool extends Purged {
  readonly directory: string
}

/** @param directories as edges are told them by SPOOL_DIRECTORY. @throws SetupError for one that is none or in use */
export async function purgeSpools(
  directories: readonly string[],
  identifiers: readonly string[],
): Promise<PurgedSpool[]> {
  const purged: PurgedSpool[] = []
  for (const directory of directories) {
    for (const topic of topicFolders(directory)) {
      const { records, quarantined } = await purgeSpool(join(directory, topic), identifiers)
      purged.push({ directory: join(directory, topic), records, quarantined })
    }
  }
  return purged
}

function topicFolders(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch (cause) {
    throw new SetupError(`--spool ${directory}: cannot be read`, { cause })
  }
}
