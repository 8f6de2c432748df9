// State entries as bytes in store and changelog, and as values in the rules.
import assert from 'node:assert/strict'
import { isReject } from '../core/reject'
import type { RecordCodec } from '../runtime/codec'
import type { EntryStore } from './overlay'
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
    near: (from, to, max) => {
      const found = new Map<string, () => unknown>()
      for (const [key, bytes] of store.range(from, to, false)) {
        if (found.size === max) return null
        found.set(
          key,
          once(() => readEntry(codec, bytes)),
        )
      }
      return found
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
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
