// When a store is rewritten without what was deleted on request: while nothing waits, since the rewriting of a large
// store takes seconds, and not too often.
import type { PartitionStore } from './ports'

export interface Purges {
  /** Whether something is to go and enough time has passed. */
  due(): boolean
  run(): Promise<void>
}

interface PurgeOptions {
  /** Shortest time between two. */
  readonly intervalMs: number
  /** Epoch ms. */
  readonly now: () => number
  readonly onPurged: () => void
}

export function createPurges(store: PartitionStore, options: PurgeOptions): Purges {
  const { intervalMs, now, onPurged } = options
  let notBeforeMs = 0
  return {
    due: () => store.purgeDue() && now() >= notBeforeMs,
    run: async () => {
      notBeforeMs = now() + intervalMs
      await store.purge()
      onPurged()
    },
  }
}
