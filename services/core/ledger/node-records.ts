// The records of one node, each (source, id) once: a touch sent twice without a time of its own is kept twice, and
// the earliest accepted counts, here as everywhere.
import type { LedgerRecord } from './tally'

export interface NodeRecords {
  add(record: LedgerRecord): void
  /** Everything of the node, which is then begun anew. */
  take(): LedgerRecord[]
}

export function createNodeRecords(): NodeRecords {
  let byId = new Map<string, LedgerRecord>()
  return {
    add(record) {
      const key = `${record.kind} ${record.source} ${record.id}`
      const known = byId.get(key)
      if (known === undefined || record.acceptedAt < known.acceptedAt) byId.set(key, record)
    },
    take() {
      const taken = [...byId.values()]
      if (taken.length > 0) byId = new Map()
      return taken
    },
  }
}
