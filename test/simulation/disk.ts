// The disk of one process: the stores of its partitions, each a copy of a changelog. It outlives the process; it
// can be lost, or be found as it was some time ago.
import assert from 'node:assert/strict'
import { keysBetween } from '../../services/stream-processor/overlay'
import {
  emptyMark,
  type PartitionStore,
  type StageMark,
  type StoreChanges,
} from '../../services/stream-processor/ports'

interface StoredState {
  /** Entries by node, since a range never leaves one node. */
  readonly nodes: Map<string, Map<string, Buffer>>
  mark: StageMark
  changelogNext: number
}

/** What happens around the writing of a batch; false when the process is dead and nothing can be written. */
export interface WriteGuard {
  before(): boolean
  after(): void
}

export class Disk {
  #stores = new Map<string, StoredState>()
  #remembered: Map<string, StoredState> | null = null

  open(name: string, guard: WriteGuard): PartitionStore {
    const known = this.#stores.get(name)
    const state = known ?? emptyState()
    if (known === undefined) this.#stores.set(name, state)
    return storeOn(state, guard)
  }

  lose(): void {
    this.#stores = new Map()
  }

  /** Keeps a copy of what is there now, for `revert`. */
  remember(): void {
    this.#remembered = copyOf(this.#stores)
  }

  /** The disk is again what it was when it was remembered, or empty. */
  revert(): void {
    this.#stores = this.#remembered === null ? new Map() : copyOf(this.#remembered)
  }
}

function emptyState(): StoredState {
  return { nodes: new Map(), mark: emptyMark, changelogNext: 0 }
}

function copyOf(stores: ReadonlyMap<string, StoredState>): Map<string, StoredState> {
  const copy = new Map<string, StoredState>()
  for (const [name, { nodes, mark, changelogNext }] of stores) {
    const entries = [...nodes].map(([node, of]) => [node, new Map(of)] as const)
    copy.set(name, { nodes: new Map(entries), mark, changelogNext })
  }
  return copy
}

function storeOn(state: StoredState, guard: WriteGuard): PartitionStore {
  return {
    get: (key) => state.nodes.get(nodeOf(key))?.get(key),
    *range(from, to, reverse) {
      const entries = within(state, from, to)
      const keys = keysBetween(entries.keys(), from, to)
      for (const key of reverse ? keys.reverse() : keys) {
        const value = entries.get(key)
        if (value !== undefined) yield [key, value]
      }
    },
    mark: () => state.mark,
    changelogNext: () => state.changelogNext,
    schemaIds: () => [],
    size: () => [...state.nodes.values()].reduce((sum, entries) => sum + entries.size, 0),
    apply: (changes) => {
      if (!guard.before()) return
      write(state, changes)
      guard.after()
    },
    purgeDue: () => false,
    purge: () => Promise.resolve(),
    clear: () => {
      Object.assign(state, emptyState())
    },
    close: () => Promise.resolve(),
  }
}

/** Most ranges lie within one node; a walk through everything does not. */
function within({ nodes }: StoredState, from: string, to: string): ReadonlyMap<string, Buffer> {
  if (nodeOf(from) === nodeOf(to)) return nodes.get(nodeOf(from)) ?? new Map()
  return new Map([...nodes.values()].flatMap((entries) => [...entries]))
}

function write(state: StoredState, { entries, from, mark, changelogNext }: StoreChanges): void {
  assert(
    from === null || samePositions(state.mark, from),
    'the store is not where this batch began: another process has written to it',
  )
  for (const [key, value] of entries) {
    const node = nodeOf(key)
    const of = state.nodes.get(node)
    if (value === null) of?.delete(key)
    else if (of === undefined) state.nodes.set(node, new Map([[key, value]]))
    else of.set(key, value)
  }
  state.mark = mark
  state.changelogNext = changelogNext
}

function samePositions(a: StageMark, b: StageMark): boolean {
  const names = new Set([...Object.keys(a.positions), ...Object.keys(b.positions)])
  return [...names].every((name) => a.positions[name] === b.positions[name])
}

/** Of a bound that is no key, all of it. */
function nodeOf(key: string): string {
  const end = key.indexOf(' ')
  return end === -1 ? key : key.slice(0, end)
}
