// What a batch would change in a store, laid over it: reads see the changes, the store does not, until the
// transaction that carries them is committed.
import { compareTexts } from '../core/compare-texts'

/** A stage's store of one partition, as pure code reads it: synchronous. Keys are `<node> <key>`. */
export interface EntryStore<Entry> {
  get(key: string): Entry | undefined
  /** Entries with `from` ≤ key < `to`, in the order of their keys (`compareTexts`) or against it. */
  range(from: string, to: string, reverse: boolean): Iterable<readonly [string, Entry]>
}

export interface Overlay<Entry> extends EntryStore<Entry> {
  put(node: string, key: string, entry: Entry): void
  remove(node: string, key: string): void
  rangeOf(node: string, range: KeyRange): Iterable<readonly [string, Entry]>
  getOf(node: string, key: string): Entry | undefined
  /** Everything put (an entry) or removed (null), by full key. */
  changes(): IterableIterator<readonly [string, Entry | null]>
}

interface KeyRange {
  readonly from: string
  readonly to: string
  readonly reverse: boolean
}

function fullKey(node: string, key: string): string {
  return `${node} ${key}`
}

export function overlayOn<Entry>(store: EntryStore<Entry>): Overlay<Entry> {
  const changed = new Map<string, Map<string, Entry | null>>()
  const set = (node: string, key: string, entry: Entry | null): void => {
    const entries = changed.get(node)
    if (entries === undefined) changed.set(node, new Map([[key, entry]]))
    else entries.set(key, entry)
  }
  return {
    get: (key) => store.get(key),
    range: (from, to, reverse) => store.range(from, to, reverse),
    put: set,
    remove: (node, key) => {
      set(node, key, null)
    },
    getOf: (node, key) => {
      const entry = changed.get(node)?.get(key)
      return entry === undefined ? store.get(fullKey(node, key)) : (entry ?? undefined)
    },
    rangeOf: (node, range) => {
      const stored = store.range(fullKey(node, range.from), fullKey(node, range.to), range.reverse)
      const entries = changed.get(node)
      const prefix = node.length + 1
      return entries === undefined
        ? strip(stored, prefix)
        : merge(strip(stored, prefix), entries, range)
    },
    *changes() {
      for (const [node, entries] of changed) {
        for (const [key, entry] of entries) yield [fullKey(node, key), entry]
      }
    },
  }
}

/** Those with `from` ≤ key < `to`, in order: the order of the store. */
export function keysBetween(keys: Iterable<string>, from: string, to: string): string[] {
  const isBetween = (key: string): boolean =>
    compareTexts(key, from) >= 0 && compareTexts(key, to) < 0
  return [...keys].filter(isBetween).sort(compareTexts)
}

function* strip<Entry>(
  stored: Iterable<readonly [string, Entry]>,
  prefix: number,
): Iterable<readonly [string, Entry]> {
  for (const [key, entry] of stored) yield [key.slice(prefix), entry]
}

/** Stored and changed entries in one order; a change hides what is stored under its key. */
function* merge<Entry>(
  stored: Iterable<readonly [string, Entry]>,
  changed: ReadonlyMap<string, Entry | null>,
  { from, to, reverse }: KeyRange,
): Iterable<readonly [string, Entry]> {
  const keys = keysBetween(changed.keys(), from, to)
  if (reverse) keys.reverse()
  let next = 0
  const before = (a: string, b: string): boolean => compareTexts(a, b) * (reverse ? -1 : 1) < 0
  for (const [key, entry] of stored) {
    for (let own = keys[next]; own !== undefined && before(own, key); own = keys[next]) {
      const value = changed.get(own)
      if (value !== null && value !== undefined) yield [own, value]
      next += 1
    }
    if (!changed.has(key)) yield [key, entry]
  }
  for (const own of keys.slice(next)) {
    const value = changed.get(own)
    if (value !== null && value !== undefined) yield [own, value]
  }
}
