// The tallies an edge keeps: one for each source and minute, until the ledger has been told of it and no more can
// come. Bounded: beyond the limit the oldest minutes are given up first.
import { addAccepted, emptyTally, type AcceptedTally } from './accepted-tally'
import { hashId } from './hash-id'
import { minuteOf, type LedgerRecord } from './tally'

export interface BookEntry extends AcceptedTally {
  readonly source: string
  /** Epoch milliseconds. */
  readonly minute: number
  /** Something of it has not been told yet. */
  untold: boolean
}

export interface AcceptedBook {
  add(record: LedgerRecord, sequence: number): void
  /** What is to be told now; it counts as told until `putBack`. */
  takeUntold(): readonly BookEntry[]
  putBack(entries: readonly BookEntry[]): void
  /** Drops what was told of minutes before this time. */
  dropBefore(atMs: number): void
  /** Entries given up untold so far. */
  readonly givenUp: number
}

export function createAcceptedBook(entriesMax: number): AcceptedBook {
  const entries = new Map<string, BookEntry>()
  let givenUp = 0
  const entryOf = ({ source, acceptedAt }: LedgerRecord): BookEntry => {
    const minute = minuteOf(acceptedAt)
    const key = `${String(minute)} ${source}`
    const known = entries.get(key)
    if (known !== undefined) return known
    const entry: BookEntry = { ...emptyTally(), source, minute, untold: false }
    entries.set(key, entry)
    return entry
  }
  const giveUpOldest = (): void => {
    for (const [key, { untold }] of entries) {
      if (entries.size <= entriesMax) return
      entries.delete(key)
      if (untold) givenUp += 1
    }
  }
  return {
    add(record, sequence) {
      const entry = entryOf(record)
      addAccepted(entry, sequence, hashId(record.id))
      entry.untold = true
      giveUpOldest()
    },
    takeUntold() {
      const untold = [...entries.values()].filter((entry) => entry.untold)
      for (const entry of untold) entry.untold = false
      return untold
    },
    putBack(taken) {
      for (const entry of taken) entry.untold = true
    },
    dropBefore(atMs) {
      for (const [key, { untold, minute }] of entries) {
        if (!untold && minute < atMs) entries.delete(key)
      }
    },
    get givenUp() {
      return givenUp
    },
  }
}
