// What a batch would change in a store, laid over it: reads see the changes, the store does not, until the
// transaction that carries them is committed.
import { compareTexts } from '../core/compare-texts'

/** A stage's store of one partition, as pure code reads it: synchronous. Keys are `<node> <key>`. */
export interface EntryStore<Entry> {
  get(key: string): Entry | undefined
  /** Entries with `from` ≤ key < `to`, in the order of their keys (`compareTexts`) or against it. */
  range(from: string, to: string, reverse: boolean): Iterable<readonly [string, Entry]>
  /** The same all at once, each decoded when it is wanted; null when there are more than `max`. */
  near(from: string, to: string, max: number): ReadonlyMap<string, () => Entry> | null
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

function fullKey(node: string, key: string): string {
  return `${node} ${key}`
}

/** More than this are read one by one. */
const usualNearMax = 64

interface NodeView<Entry> {
  readonly changed: Map<string, Entry | null>
  /** By key without the node. Undefined before it is wanted; null where there are too many. */
  near?: ReadonlyMap<string, () => Entry> | null
}

/** @param near of the stage: keys of a node that are read together */
export function overlayOn<Entry>(
  store: EntryStore<Entry>,
  [nearFrom, nearTo]: readonly [from: string, to: string],
  nearMax = usualNearMax,
): Overlay<Entry> {
  const views = new Map<string, NodeView<Entry>>()
  const viewOf = (node: string): NodeView<Entry> => {
    let view = views.get(node)
    if (view === undefined) views.set(node, (view = { changed: new Map<string, Entry | null>() }))
    return view
  }
  const nearOf = (node: string, view: NodeView<Entry>): ReadonlyMap<string, () => Entry> | null => {
    if (view.near === undefined) {
      const found = store.near(fullKey(node, nearFrom), fullKey(node, nearTo), nearMax)
      view.near = found === null ? null : withoutNode(found, node)
    }
    return view.near
  }
  return {
    put: (node, key, entry) => {
      viewOf(node).changed.set(key, entry)
    },
    remove: (node, key) => {
      viewOf(node).changed.set(key, null)
    },
    getOf: (node, key) => {
      const view = viewOf(node)
      const entry = view.changed.get(key)
      if (entry !== undefined) return entry ?? undefined
      const isNear = isBetween(key, nearFrom, nearTo)
      const near = isNear ? nearOf(node, view) : null
      return near === null ? store.get(fullKey(node, key)) : near.get(key)?.()
    },
    rangeOf: (node, range) => {
      const { from, to, reverse } = range
      const view = viewOf(node)
      const isNear = compareTexts(from, nearFrom) >= 0 && compareTexts(to, nearTo) <= 0
      const near = isNear ? nearOf(node, view) : null
      if (near !== null) return rangeIn(near, view.changed, range)
      const stored = store.range(fullKey(node, from), fullKey(node, to), reverse)
      const stripped = strip(stored, node.length + 1)
      return view.changed.size === 0 ? stripped : merge(stripped, view.changed, range)
    },
    *changes() {
      for (const [node, { changed }] of views) {
        for (const [key, entry] of changed) yield [fullKey(node, key), entry]
      }
    },
  }
}

function withoutNode<Entry>(
  found: ReadonlyMap<string, () => Entry>,
  node: string,
): ReadonlyMap<string, () => Entry> {
  const prefix = node.length + 1
  const near = new Map<string, () => Entry>()
  for (const [key, read] of found) near.set(key.slice(prefix), read)
  return near
}

/** A list, since it is short: a chain of generators costs more than what it yields. */
function rangeIn<Entry>(
  near: ReadonlyMap<string, () => Entry>,
  changed: ReadonlyMap<string, Entry | null>,
  { from, to, reverse }: KeyRange,
): (readonly [string, Entry])[] {
  const found: (readonly [string, Entry])[] = []
  for (const [key, read] of near) {
    if (isBetween(key, from, to) && !changed.has(key)) found.push([key, read()])
  }
  const asStored = found.length
  for (const [key, entry] of changed) {
    if (entry !== null && isBetween(key, from, to)) found.push([key, entry])
  }
  if (found.length > asStored) found.sort(([a], [b]) => compareTexts(a, b))
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
