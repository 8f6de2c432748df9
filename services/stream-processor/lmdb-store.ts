// A partition's state in LMDB: reads are synchronous, so pure code reads through a narrow interface. Writes
// are not flushed, since the changelog has everything: a killed process loses nothing, and after a crash of
// the machine itself the store is thrown away and restored.
import assert from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { DependencyError, SetupError } from '../runtime/errors'
import { emptyMark, type PartitionStore, type StageMark } from './ports'

/** As LMDB names it. */
const dataName = 'data.mdb'
const copyName = 'copy'
/** At a time, while a store is rewritten: the event loop stands still for some ten milliseconds. */
const copyEntriesMax = 2_000

interface StoredMark {
  readonly origin: string
  readonly mark: StageMark
  readonly changelogNext: number
  readonly schemaIds: readonly number[]
  readonly writtenAt: number
  /** Free pages hold what was deleted on request. */
  readonly purgeDue?: boolean
}

interface Files {
  readonly root: RootDatabase
  readonly entries: Database<Buffer, string>
}

interface StoreOptions {
  readonly directory: string
  /** Names the cluster and the changelog partition; a copy of any other is thrown away. */
  readonly origin: string
  /** A store older than this may have missed tombstones and is thrown away. */
  readonly maxAgeMs: number
  readonly now: () => number
}

/** Opens the store in a directory, empty when there is none or it cannot be trusted. */
export function openLmdbStore({ directory, origin, maxAgeMs, now }: StoreOptions): PartitionStore {
  const boot = bootId()
  const openMarker = join(directory, 'open')
  if (existsSync(openMarker) && readFileSync(openMarker, 'utf8') !== boot) {
    rmSync(directory, { recursive: true })
  }
  mkdirSync(directory, { recursive: true })
  // Of a rewriting that was cut off.
  rmSync(join(directory, copyName), { recursive: true, force: true })
  let files = openFiles(directory, boot)
  writeFileSync(openMarker, boot)
  const fresh: StoredMark = {
    origin,
    mark: emptyMark,
    changelogNext: 0,
    schemaIds: [],
    writtenAt: now(),
  }
  let current = readMark(files) ?? fresh

  const clear = (): void => {
    // What is thrown away unread may hold anything.
    const empty = { ...fresh, purgeDue: true }
    files.root.transactionSync(() => {
      files.entries.clearSync()
      files.root.putSync('mark', empty)
    })
    current = empty
  }
  if (current.origin !== origin || now() - current.writtenAt > maxAgeMs) clear()
  return {
    get: (key) => files.entries.get(key),
    range: (from, to, reverse) => rangeOf(files.entries, { from, to, reverse }),
    size: () => (files.entries.getStats() as { readonly entryCount: number }).entryCount,
    mark: () => current.mark,
    changelogNext: () => current.changelogNext,
    schemaIds: () => current.schemaIds,
    apply: ({ entries, from, mark, changelogNext, schemaIds, purges }) => {
      const purgeDue = purges || current.purgeDue === true
      const next = { origin, mark, changelogNext, schemaIds, writtenAt: now(), purgeDue }
      files.root.transactionSync(() => {
        const found = readMark(files)?.mark ?? emptyMark
        assert(
          from === null || samePositions(found, from),
          'the store is not where this batch began: another process has written to it',
        )
        for (const [key, value] of entries) {
          if (value === null) files.entries.removeSync(key)
          else files.entries.putSync(key, value)
        }
        files.root.putSync('mark', next)
      })
      current = next
    },
    purgeDue: () => current.purgeDue === true,
    purge: async () => {
      await writeCopy(files, directory, boot)
      await files.root.close()
      // Before and after this a crash finds a whole file.
      renameSync(join(directory, copyName, dataName), join(directory, dataName))
      rmSync(join(directory, copyName), { recursive: true })
      files = openFiles(directory, boot)
      current = { ...current, purgeDue: false }
    },
    clear,
    close: async () => {
      await files.root.close()
      // Nothing was flushed so far; only what is on the disk may be trusted after the next start of the machine.
      const data = openSync(join(directory, dataName), 'r')
      fsyncSync(data)
      closeSync(data)
      rmSync(openMarker, { force: true })
    },
  }
}

/**
 * Removes the stores of partitions that went elsewhere: nothing reaches them any more, no deletion on request either.
 * @param directory of a stage's stores, one folder for each partition
 * @param writtenBefore epoch ms: who was written to since may come back, and be warm
 */
export function dropUnusedStores(
  directory: string,
  inUse: ReadonlySet<number>,
  writtenBefore: number,
): void {
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    const data = join(directory, name, dataName)
    if (inUse.has(Number(name)) || !existsSync(data)) continue
    if (statSync(data).mtimeMs < writtenBefore) {
      rmSync(join(directory, name), { recursive: true, force: true })
    }
  }
}

/** LMDB walks backwards from a start that is included to an end that is not; `to` itself is never a key. */
function* rangeOf(
  entries: Database<Buffer, string>,
  { from, to, reverse }: { from: string; to: string; reverse: boolean },
): Iterable<readonly [string, Buffer]> {
  const bounds = reverse ? { start: to, end: from, reverse } : { start: from, end: to }
  for (const { key, value } of entries.getRange(bounds)) yield [key, value]
  if (!reverse) return
  const first = entries.get(from)
  if (first !== undefined) yield [from, first]
}

function openFiles(directory: string, boot: string): Files {
  try {
    // Without a boot id a crash of the machine could not be told from one of the process: flush then.
    const root = open({ path: directory, noSync: boot !== '', maxDbs: 2, encoding: 'json' })
    return { root, entries: root.openDB({ name: 'entries', encoding: 'binary' }) }
  } catch (cause) {
    throw new SetupError(`cannot open the store in ${directory}`, { cause })
  }
}

/**
 * Writes all entries into files of their own, in order. LMDB's own copy will not do: besides what was removed or replaced,
 * it keeps keys that are gone as signposts in the branches of its tree.
 */
async function writeCopy(files: Files, directory: string, boot: string): Promise<void> {
  const copyDirectory = join(directory, copyName)
  rmSync(copyDirectory, { recursive: true, force: true })
  const copy = openFiles(copyDirectory, boot)
  try {
    for (let last: string | null = ''; last !== null;) {
      last = copyStretch(files, copy, last)
      // Others have their turn meanwhile.
      await new Promise(setImmediate)
    }
    copy.root.putSync('mark', { ...readMark(files), purgeDue: false })
  } catch (cause) {
    // No room for a second store.
    throw new DependencyError('disk', cause)
  } finally {
    await copy.root.close()
  }
}

/** @returns the last key written; null when there is none after `after` */
function copyStretch({ entries }: Files, copy: Files, after: string): string | null {
  let last: string | null = null
  copy.root.transactionSync(() => {
    for (const { key, value } of entries.getRange({ start: after, limit: copyEntriesMax })) {
      if (key === after) continue
      copy.entries.putSync(key, value)
      last = key
    }
  })
  return last
}

function readMark({ root }: Files): StoredMark | null {
  const stored = root.get('mark') as StoredMark | undefined
  return stored === undefined ? null : { ...stored, mark: { ...emptyMark, ...stored.mark } }
}

function samePositions(a: StageMark, b: StageMark): boolean {
  const names = new Set([...Object.keys(a.positions), ...Object.keys(b.positions)])
  return [...names].every((name) => a.positions[name] === b.positions[name])
}

/** Names this start of the machine; empty where it cannot be told. */
function bootId(): string {
  const file = '/proc/sys/kernel/random/boot_id'
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
}
