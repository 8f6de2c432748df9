// The ledger's third station: what the state of the stream processor holds, counted by whoever walks over a
// partition's store. A count becomes valid as a whole, by its mark; what moves from one root to another during
// the walk may be missed or counted twice, so that two counts have to agree that something is missing.
import {
  createCensusTally,
  type CensusEntry,
  type CensusQuestion,
  type CensusTally,
} from '../core/ledger/census-tally'
import type { LedgerRecord } from '../core/ledger/tally'
import { quoteIdentifier } from '../core/warehouse/migration'
import { timeText, type Row } from '../core/warehouse/row'
import type { Warehouse } from './clickhouse'
import { tellLedger, tolerant } from './ledger'
import type { Logger } from './logger'
import { repeat } from './repeat'

export interface LedgerCensus {
  open(partition: number): PartitionCensus
  close(): Promise<void>
}

/** Never waits and never fails: a count that cannot be told is left out, the one before holds. */
export interface PartitionCensus {
  /** Counts one record the state holds; the first after the end of a round begins the next. */
  count(record: LedgerRecord): void
  /** Everything has been counted. */
  roundEnded(): void
  /** Something was not: the round counts for nothing. */
  roundBroken(): void
}

export interface CensusOptions {
  readonly warehouse: Pick<Warehouse, 'insert' | 'query' | 'database'>
  /** How many partitions there are in all. */
  readonly partitions: number
  /** How often it is asked what to list. */
  readonly flushMs: number
  readonly logger: Logger
  /** Monotone milliseconds. */
  readonly ticks: () => number
}

/** What ClickHouse said when it was asked last. */
interface Synchronised {
  /** By its clock, no later than `atTicks`. */
  readonly clockMs: number
  readonly atTicks: number
  readonly questions: readonly CensusQuestion[]
}

interface Round {
  /** By ClickHouse's clock, no later than it began; no two of a partition are alike. */
  readonly beganAt: number
  /** What had been asked by then is listed. */
  readonly questionsAt: number
  readonly tally: CensusTally
}

const rowsPerInsert = 20_000

export function createLedgerCensus(options: CensusOptions): LedgerCensus {
  const { warehouse, logger, ticks } = options
  let known: Synchronised | null = null
  const synchronise = async (): Promise<void> => {
    const { clockMs, questions } = await readQuestions(warehouse)
    known = { clockMs, atTicks: ticks(), questions }
  }
  const stop = repeat(
    tolerant(synchronise, { logger, part: 'ledger census' }),
    () => options.flushMs,
  )
  const telling = new Set<Promise<unknown>>()
  return {
    open: (partition) =>
      openPartition(options, {
        partition,
        begin: () => {
          if (known === null) return null
          const beganAt = Math.floor(known.clockMs + ticks() - known.atTicks)
          const tally = createCensusTally(beganAt, known.questions)
          return { beganAt, questionsAt: known.clockMs, tally }
        },
        keep: (told) => {
          telling.add(told)
          void told.finally(() => telling.delete(told))
        },
      }),
    close: async () => {
      await stop()
      await Promise.all(telling)
    },
  }
}

interface PartitionOptions {
  readonly partition: number
  /** Null before ClickHouse has been heard of. */
  readonly begin: () => Round | null
  /** To be waited for when the census is closed. */
  readonly keep: (told: Promise<unknown>) => void
}

function openPartition(
  { warehouse, partitions, logger }: CensusOptions,
  { partition, begin, keep }: PartitionOptions,
): PartitionCensus {
  let round: Round | null = null
  let ended: Round | null = null
  let earlier: Round | null = null
  const tell = tolerant(
    async () => {
      if (ended === null) return
      await tellRound(warehouse, ended, { partition, partitions, earlier })
      earlier = ended
    },
    { logger, part: `ledger census of partition ${partition}` },
  )
  return {
    count: (record) => {
      round ??= begin()
      round?.tally.add(record)
    },
    roundEnded: () => {
      const done = round ?? begin()
      round = null
      // While one round is being told the next is left out.
      if (ended !== null || done === null || done.beganAt <= (earlier?.beganAt ?? 0)) return
      ended = done
      keep(
        tell().finally(() => {
          ended = null
        }),
      )
    },
    roundBroken: () => {
      round = null
    },
  }
}

async function tellRound(
  warehouse: Pick<Warehouse, 'insert'>,
  { beganAt, tally }: Round,
  of: { readonly partition: number; readonly partitions: number; readonly earlier: Round | null },
): Promise<void> {
  const { partition, partitions, earlier } = of
  const round = timeText(beganAt)
  const entries = tally.entries()
  for (let start = 0; start < entries.length; start += rowsPerInsert) {
    const rows = entries
      .slice(start, start + rowsPerInsert)
      .map((entry): Row => ({ partition, round, ...rowOf(entry) }))
    // What was written in vain counts nowhere: without its mark a round is not valid.
    await tellLedger(warehouse, { ledger_census: rows }, `census:${partition}:${round}:${start}`)
  }
  const detail = JSON.stringify({
    partitions,
    previous: earlier === null ? '' : timeText(earlier.beganAt),
    previous_at: earlier?.beganAt ?? 0,
    previous_questions_at: earlier?.questionsAt ?? 0,
  })
  await tellLedger(warehouse, {
    ledger_marks: [{ station: 'attributed', part: String(partition), looked_at: round, detail }],
  })
}

function rowOf({ kind, source, minute, records, digest, hashes }: CensusEntry): Row {
  return {
    kind,
    source,
    minute: minute / 1_000,
    records,
    digest: String(digest),
    listed: hashes !== null,
    hashes: hashes?.map(String) ?? [],
  }
}

/** The clock is read first: whatever was asked by then is among the questions. */
async function readQuestions({
  query,
  database,
}: Pick<Warehouse, 'query' | 'database'>): Promise<Pick<Synchronised, 'clockMs' | 'questions'>> {
  const [clock] = await query<{ now: number }>('SELECT toUnixTimestamp64Milli(now64(3)) AS now')
  const questions = await query<CensusQuestion>(
    `SELECT DISTINCT kind, source, toUnixTimestamp(minute) * 1000 AS minute
     FROM ${quoteIdentifier(database)}.ledger_questions
     WHERE minute >= now() - INTERVAL 2 DAY LIMIT 10000`,
  )
  return { clockMs: clock?.now ?? 0, questions }
}
