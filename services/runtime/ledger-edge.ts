// The ledger's first station: what an edge has answered 2xx for, told to ClickHouse by the edge itself. It counts
// only after the acknowledgement, so what a killed edge had not told yet is missing here and not in the topic.
// ClickHouse away delays nothing: what was not told is told with the next round.
import { randomBytes } from 'node:crypto'
import { createAcceptedBook, type BookEntry } from '../core/ledger/accepted-book'
import { edgeHeader, stampText } from '../core/ledger/edge-stamp'
import type { LedgerKind, LedgerRecord } from '../core/ledger/tally'
import type { Row } from '../core/warehouse/row'
import type { Warehouse } from './clickhouse'
import type { Logger } from './logger'
import type { Metrics } from './metrics'
import { tellLedger, tolerant } from './ledger'
import { repeat } from './repeat'

export interface EdgeLedger {
  /** Numbers records that are about to be made durable; null for what the ledger does not follow. */
  take(records: readonly (LedgerRecord | null)[]): LedgerTicket
  /** Tells what is still to tell, once, and stops. */
  close(): Promise<void>
}

export interface LedgerTicket {
  /** For each record, in order: to be kept with it on all its way. */
  readonly headers: readonly Readonly<Record<string, string>>[]
  /** The client is about to hear 2xx. */
  accepted(): void
}

export interface EdgeLedgerOptions {
  /** Null where the edge cannot reach ClickHouse: records are numbered, and nobody is told. */
  readonly warehouse: Pick<Warehouse, 'insert'> | null
  readonly kind: LedgerKind
  readonly flushMs: number
  /** Names its disk: the same for every run of an edge over one spool, and for no other. */
  readonly spool: string
  /** Epoch milliseconds at which the oldest record that waits on disk was put there; null when none waits. */
  readonly waitingSince: () => number | null
  readonly logger: Logger
  readonly metrics: Metrics
  readonly now: () => number
}

/** Minutes of sources remembered while ClickHouse is away: a week of one source, hours of many. */
const entriesMax = 10_000
/** No client waits for an answer as long as this: the minute is over for good. */
const lateMs = 10 * 60_000

export function createEdgeLedger(options: EdgeLedgerOptions): EdgeLedger {
  const { kind, warehouse, spool, now, logger, metrics } = options
  const boot = randomBytes(9).toString('base64url')
  const sequences = new Map<string, number>()
  const book = createAcceptedBook(entriesMax)
  const givenUp = metrics.gauge(
    'ledger_minutes_given_up',
    'Minutes of a source given up before the ledger could be told of them',
  )
  const flushes = metrics.counter('ledger_flushes_total', 'Rounds of telling the ledger', [
    'outcome',
  ])
  let telling: readonly BookEntry[] = []
  let emptySince = now()
  const tell = tolerant(
    async () => {
      const waiting_since = options.waitingSince()
      if (waiting_since !== null) emptySince = now()
      // A duration: the clock of the edge is not ClickHouse's.
      const empty_ms = now() - emptySince
      const detail = JSON.stringify({ kind, spool, waiting_since, empty_ms })
      if (warehouse === null) return
      // Absolute rows: told twice they count once.
      await tellLedger(warehouse, {
        ledger_entries: telling.map((entry) => entryRow({ boot, kind }, entry)),
        ledger_marks: [{ station: 'accepted', part: boot, detail }],
      })
    },
    { logger, part: 'ledger' },
  )
  const flush = async (): Promise<void> => {
    telling = book.takeUntold()
    const told = await tell()
    if (!told) book.putBack(telling)
    flushes.inc({ outcome: told ? 'told' : 'failed' })
    book.dropBefore(now() - lateMs)
    givenUp.set(book.givenUp)
  }
  const stop = warehouse === null ? null : repeat(flush, () => options.flushMs)
  return {
    take(records) {
      const numbers = records.map((record) => {
        if (record === null) return null
        const sequence = sequences.get(record.source) ?? 0
        sequences.set(record.source, sequence + 1)
        return sequence
      })
      return {
        headers: numbers.map((sequence): Readonly<Record<string, string>> =>
          sequence === null ? {} : { [edgeHeader]: stampText({ boot, sequence }) },
        ),
        accepted: () => {
          if (warehouse === null) return
          for (const [at, record] of records.entries()) {
            if (record !== null) book.add(record, numbers[at] ?? 0)
          }
        },
      }
    },
    close: async () => {
      await stop?.()
      if (stop !== null) await flush()
    },
  }
}

function entryRow(
  { boot, kind }: { readonly boot: string; readonly kind: LedgerKind },
  { source, minute, records, digest, ranges }: BookEntry,
): Row {
  return {
    boot,
    kind,
    source,
    minute: minute / 1_000,
    records,
    digest: String(digest),
    sequences: ranges,
  }
}
