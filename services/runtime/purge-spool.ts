// Deletion on request in the spool of an edge. One that runs has its records left to it: its spool empties itself into
// the topic, where the request reaches them, and its files go; what it has put aside as damaged never would.
import { existsSync } from 'node:fs'
import { readdir, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { tryToLock } from './lock-directory'
import { frameOf, type SpooledRecord } from './spool-frame'
import { readSegment, segmentSuffix, syncDirectory, writeDurably } from './spool-segment'

export interface Purged {
  /** Records taken out. */
  readonly records: number
  /** Files of the quarantine deleted: what is damaged cannot be told apart. */
  readonly quarantined: number
  /** An edge that runs has the spool: only its quarantine was looked at. */
  readonly running: boolean
}

/** Of a purge that was cut off: the copy that was to take a segment's place. */
const unfinishedSuffix = `${segmentSuffix}.new`

/**
 * Takes every record that names one of `identifiers` out of the spool in `directory`, the folder of one topic.
 * @param identifiers keyed hashes, as they stand in keys and values
 * @throws SetupError when it cannot be locked
 */
export async function purgeSpool(
  directory: string,
  identifiers: readonly string[],
): Promise<Purged> {
  const quarantine = join(directory, 'quarantine')
  const release = await tryToLock(directory, 'SPOOL_DIRECTORY')
  if (typeof release !== 'function') {
    const quarantined = await purgeQuarantine(quarantine, identifiers)
    return { records: 0, quarantined, running: true }
  }
  try {
    let records = 0
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      if (name.endsWith(unfinishedSuffix)) await unlink(path)
      if (name.endsWith(segmentSuffix)) records += await purgeSegment(path, identifiers)
    }
    // Last, since what is found damaged is put there.
    const quarantined = await purgeQuarantine(quarantine, identifiers)
    await syncDirectory(directory)
    return { records, quarantined, running: false }
  } finally {
    release()
  }
}

async function purgeSegment(path: string, identifiers: readonly string[]): Promise<number> {
  const bytes = await readFile(path)
  if (!identifiers.some((identifier) => bytes.includes(identifier))) return 0
  // What is damaged is put aside and judged there.
  const { records } = await readSegment(path)
  const kept = records.filter((record) => !namesOneOf(record, identifiers))
  // Of all that is left, so that a crash leaves the one file or the other.
  await writeDurably(`${path}.new`, Buffer.concat(kept.map(frameOf)))
  await rename(`${path}.new`, path)
  return records.length - kept.length
}

function namesOneOf(record: SpooledRecord, identifiers: readonly string[]): boolean {
  return identifiers.some(
    (identifier) => record.key.includes(identifier) || record.value.includes(identifier),
  )
}

async function purgeQuarantine(directory: string, identifiers: readonly string[]): Promise<number> {
  if (!existsSync(directory)) return 0
  let purged = 0
  for (const name of await readdir(directory)) {
    const bytes = await readFile(join(directory, name))
    if (!identifiers.some((identifier) => bytes.includes(identifier))) continue
    await unlink(join(directory, name))
    purged += 1
  }
  return purged
}
