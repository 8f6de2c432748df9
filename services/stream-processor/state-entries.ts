// State entries as bytes in store and changelog, and as values in the rules.
import assert from 'node:assert/strict'
import { isReject } from '../core/reject'
import type { RecordCodec } from '../runtime/codec'
import { fullKey, type EntryStore, type StoredEntry } from './overlay'
import type { PartitionStore } from './ports'

export type StateRecord = readonly [key: string, value: Buffer | null]

export function readEntry(codec: RecordCodec<unknown>, bytes: Buffer): unknown {
  const entry = codec.decode(bytes)
  assert(!isReject(entry), 'the store holds an entry that cannot be read')
  return entry
}

/** The store as the rules read it. */
export function entriesIn(store: PartitionStore, codec: RecordCodec<unknown>): EntryStore<unknown> {
  return {
    get: (key) => {
      const bytes = store.get(key)
      return bytes === undefined ? undefined : readEntry(codec, bytes)
    },
    *range(from, to, reverse) {
      for (const [key, bytes] of store.range(from, to, reverse)) {
        yield [key, readEntry(codec, bytes)]
      }
    },
    near: (node, { from, to, max }) => {
      const found = new Map<string, LazyEntry>()
      const prefix = node.length + 1
      for (const [key, bytes] of store.range(fullKey(node, from), fullKey(node, to), false)) {
        if (found.size === max) return null
        found.set(key.slice(prefix), new LazyEntry(bytes, codec))
      }
      return found
    },
  }
}

class LazyEntry implements StoredEntry<unknown> {
  readonly #bytes: Buffer
  readonly #codec: RecordCodec<unknown>
  #entry: unknown = null

  constructor(bytes: Buffer, codec: RecordCodec<unknown>) {
    this.#bytes = bytes
    this.#codec = codec
  }

  read(): unknown {
    return (this.#entry ??= readEntry(this.#codec, this.#bytes))
  }
}

/** The registry ids under which the store's values were written. */
export function schemaIdsOf(
  store: PartitionStore,
  entries: readonly StateRecord[],
): readonly number[] {
  const known = store.schemaIds()
  const ids = new Set(known)
  for (const [, value] of entries) if (value !== null) ids.add(value.readInt32BE(1))
  return ids.size === known.length ? known : [...ids]
}

/** The beginning of a value of a schema: enough to have the schema fetched. */
export function schemaHeader(id: number): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return header
}
