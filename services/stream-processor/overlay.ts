// What a batch would change in a store, laid over it: reads see the changes, the store does not, until the
// transaction that carries them is committed.
import { compareTexts } from '../core/compare-texts'

/** A stage's store of one partition, as pure code reads it: synchronous. Keys are `<node> <key>`. */
export interface EntryStore<Entry> {
  get(key: string): Entry | undefined
  /** Entries with `from` ≤ key < `to`, in the order of their keys (`compareTexts`) or against it. */
  range(from: string, to: string, reverse: boolean): Iterable<readonly [string, Entry]>
  /** Those of a node all at once, in order, by key without the node; null when there are more than `max`. */
  near(node: string, range: NearRange): Near<Entry> | null
}

export interface NearRange {
  readonly from: string
  readonly to: string
  readonly max: number
}

export type Near<Entry> = ReadonlyMap<string, StoredEntry<Entry>>

/** Decoded when it is wanted, and once. */
export interface StoredEntry<Entry> {
  read(): Entry
}

export interface Overlay<Entry> {
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

export function fullKey(node: string, key: string): string {
  return `${node} ${key}`
}

/** More than this are read one by one. */
const usualNearMax = 64

interface NodeView<Entry> {
  /** Undefined while nothing is. */
  changed: Map<string, Entry | null> | undefined
  /** Undefined before it is wanted; null where there are too many. */
  near: Near<Entry> | null | undefined
}

/** @param near of the stage: keys of a node that are read together */
export function overlayOn<Entry>(
  store: EntryStore<Entry>,
  [nearFrom, nearTo]: readonly [from: string, to: string],
  nearMax = usualNearMax,
): Overlay<Entry> {
  const views = new Map<string, NodeView<Entry>>()
  const nearRange = { from: nearFrom, to: nearTo, max: nearMax }
  const viewOf = (node: string): NodeView<Entry> => {
    let view = views.get(node)
    if (view === undefined) views.set(node, (view = { changed: undefined, near: undefined }))
    return view
  }
  const nearOf = (node: string, view: NodeView<Entry>): Near<Entry> | null => {
    if (view.near === undefined) view.near = store.near(node, nearRange)
    return view.near
  }
  const change = (node: string, key: string, entry: Entry | null): void => {
    const view = viewOf(node)
    if (view.changed === undefined) view.changed = new Map([[key, entry]])
    else view.changed.set(key, entry)
  }
  return {
    put: change,
    remove: (node, key) => {
      change(node, key, null)
    },
    getOf: (node, key) => {
      const view = viewOf(node)
      const entry = view.changed?.get(key)
      if (entry !== undefined) return entry ?? undefined
      const near = isBetween(key, nearFrom, nearTo) ? nearOf(node, view) : null
      return near === null ? store.get(fullKey(node, key)) : near.get(key)?.read()
    },
    rangeOf: (node, range) => {
      const { from, to, reverse } = range
      const view = viewOf(node)
      const isNear = compareTexts(from, nearFrom) >= 0 && compareTexts(to, nearTo) <= 0
      const near = isNear ? nearOf(node, view) : null
      if (near !== null) return rangeIn(near, view.changed, range)
      const stored = store.range(fullKey(node, from), fullKey(node, to), reverse)
      const stripped = strip(stored, node.length + 1)
      return view.changed === undefined ? stripped : merge(stripped, view.changed, range)
    },
    *changes() {
      for (const [node, { changed }] of views) {
        if (changed === undefined) continue
        for (const [key, entry] of changed) yield [fullKey(node, key), entry]
      }
    },
  }
}

/** A list, since it is short: a chain of generators costs more than what it yields. */
function rangeIn<Entry>(
  near: Near<Entry>,
  changed: ReadonlyMap<string, Entry | null> | undefined,
  { from, to, reverse }: KeyRange,
): (readonly [string, Entry])[] {
  const found: (readonly [string, Entry])[] = []
  for (const [key, stored] of near) {
    if (isBetween(key, from, to) && changed?.has(key) !== true) found.push([key, stored.read()])
  }
  if (changed !== undefined) {
    const asStored = found.length
    for (const [key, entry] of changed) {
      if (entry !== null && isBetween(key, from, to)) found.push([key, entry])
    }
    if (found.length > asStored) found.sort(([a], [b]) => compareTexts(a, b))
  }
  return reverse ? found.reverse() : found
}

function isBetween(key: string, from: string, to: string): boolean {
  return compareTexts(key, from) >= 0 && compareTexts(key, to) < 0
}

/** Those with `from` ≤ key < `to`, in order: the order of the store. */
export function keysBetween(keys: Iterable<string>, from: string, to: string): string[] {
  return [...keys].filter((key) => isBetween(key, from, to)).sort(compareTexts)
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
