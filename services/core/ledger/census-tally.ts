// One count of what a partition's state holds, by kind, source and minute: how many and which set, and for the
// minutes that were asked for the hashes themselves.
import { addToDigest, hashId } from './hash-id'
import { ledgerHorizonMs, minuteOf, type LedgerRecord } from './tally'

export interface CensusEntry {
  readonly kind: string
  readonly source: string
  /** Epoch milliseconds. */
  readonly minute: number
  records: number
  digest: bigint
  /** Null where nobody asked. */
  readonly hashes: bigint[] | null
}

export interface CensusQuestion {
  readonly kind: string
  readonly source: string
  /** Epoch milliseconds. */
  readonly minute: number
}

export interface CensusTally {
  add(record: LedgerRecord): void
  entries(): readonly CensusEntry[]
}

export function createCensusTally(
  nowMs: number,
  questions: readonly CensusQuestion[],
): CensusTally {
  const from = minuteOf(nowMs - ledgerHorizonMs)
  const asked = new Set(questions.map(keyOf))
  const entries = new Map<string, CensusEntry>()
  return {
    add({ kind, source, id, acceptedAt }) {
      const minute = minuteOf(acceptedAt)
      if (minute < from) return
      const key = keyOf({ kind, source, minute })
      let entry = entries.get(key)
      if (entry === undefined) {
        const hashes = asked.has(key) ? [] : null
        entry = { kind, source, minute, records: 0, digest: 0n, hashes }
        entries.set(key, entry)
      }
      const hash = hashId(id)
      entry.records += 1
      entry.digest = addToDigest(entry.digest, hash)
      entry.hashes?.push(hash)
    },
    entries: () => [...entries.values()],
  }
}

function keyOf({ kind, source, minute }: CensusQuestion): string {
  return `${String(minute)} ${kind} ${source}`
}
