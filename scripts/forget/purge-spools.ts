// The spools of edges. One that runs empties its spool into the topic, where the request reaches it; what it has put aside
// as damaged is looked at here all the same.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { purgeSpool, type Purged } from '../../services/runtime/purge-spool'

export interface PurgedSpool extends Purged {
  readonly directory: string
}

/** @param directories as edges are told them by SPOOL_DIRECTORY. @throws SetupError for one that is none */
export async function purgeSpools(
  directories: readonly string[],
  identifiers: readonly string[],
): Promise<PurgedSpool[]> {
  const purged: PurgedSpool[] = []
  for (const directory of directories) {
    for (const topic of topicFolders(directory)) {
      const path = join(directory, topic)
      purged.push({ directory: path, ...(await purgeSpool(path, identifiers)) })
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
