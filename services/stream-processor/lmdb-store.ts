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
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { SetupError } from '../runtime/errors'
import { emptyMark, type PartitionStore, type StageMark } from './ports'

interface StoredMark {
  readonly origin: string
  readonly mark: StageMark
  readonly changelogNext: number
  readonly schemaIds: readonly number[]
  readonly writtenAt: number
}

export interface StoreOptions {
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
  const root = openRoot(directory, boot)
  writeFileSync(openMarker, boot)
  const entries: Database<Buffer, string> = root.openDB({ name: 'entries', encoding: 'binary' })
  const fresh: StoredMark = {
    origin,
    mark: emptyMark,
    changelogNext: 0,
    schemaIds: [],
    writtenAt: now(),
  }
  let current = readMark(root) ?? fresh

  const clear = (): void => {
    root.transactionSync(() => {
      entries.clearSync()
      root.removeSync('mark')
    })
    current = fresh
  }
  if (current.origin !== origin || now() - current.writtenAt > maxAgeMs) clear()
  return {
    get: (key) => entries.get(key),
    range: (from, to, reverse) => rangeOf(entries, { from, to, reverse }),
    size: () => (entries.getStats() as { readonly entryCount: number }).entryCount,
    mark: () => current.mark,
    changelogNext: () => current.changelogNext,
    schemaIds: () => current.schemaIds,
    apply: ({ entries: changes, from, mark, changelogNext, schemaIds }) => {
      const next: StoredMark = { origin, mark, changelogNext, schemaIds, writtenAt: now() }
      root.transactionSync(() => {
        const found = readMark(root)?.mark ?? emptyMark
        assert(
          from === null || samePositions(found, from),
          'the store is not where this batch began: another process has written to it',
        )
        for (const [key, value] of changes) {
          if (value === null) entries.removeSync(key)
          else entries.putSync(key, value)
        }
        root.putSync('mark', next)
      })
      current = next
    },
    clear,
    close: async () => {
      await root.close()
      // Nothing was flushed so far; only what is on the disk may be trusted after the next start of the machine.
      const data = openSync(join(directory, 'data.mdb'), 'r')
      fsyncSync(data)
      closeSync(data)
      rmSync(openMarker, { force: true })
    },
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

function openRoot(directory: string, boot: string): RootDatabase {
  try {
    // Without a boot id a crash of the machine could not be told from one of the process: flush then.
    return open({ path: directory, noSync: boot !== '', maxDbs: 2, encoding: 'json' })
  } catch (cause) {
    throw new SetupError(`cannot open the store in ${directory}`, { cause })
  }
}

function readMark(root: RootDatabase): StoredMark | null {
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
