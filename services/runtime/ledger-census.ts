// The ledger's third station: what the state of the stream processor holds, counted by walking over a partition's
// store entry by entry. A count becomes valid as a whole, by its mark; what moves from one root to another during
// the walk may be missed or counted twice, so that two counts have to agree that something is missing.
import { createCensusTally, type CensusEntry } from '../core/ledger/census-tally'
import type { LedgerRecord } from '../core/ledger/tally'
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Row } from '../core/warehouse/row'
import type { Warehouse } from './clickhouse'
import { tellLedger } from './ledger'

export interface Census {
  /** Begins to count a partition anew. @throws DependencyError */
  begin(partition: number): Promise<CensusRound>
}

export interface CensusRound {
  /** Counts one record the state holds; what is older than the ledger looks is left out. */
  count(record: LedgerRecord): void
  /** Tells the ledger; until then the count before holds. @throws DependencyError: then count anew */
  finish(): Promise<void>
}

export interface CensusOptions {
  readonly warehouse: Pick<Warehouse, 'insert' | 'query' | 'database'>
  /** How many partitions there are in all. */
  readonly partitions: number
}

/** What is asked of a partition's last complete count. */
interface Earlier {
  readonly round: string
  readonly roundAt: number
  readonly questionsAt: number
}

interface Clock {
  readonly now: number
  readonly text: string
}

const rowsPerInsert = 20_000

export function createCensus({ warehouse, partitions }: CensusOptions): Census {
  const earlier = new Map<number, Earlier>()
  return {
    async begin(partition) {
      const clock = await readClock(warehouse)
      const questions = await readQuestions(warehouse)
      const tally = createCensusTally(clock.now, questions)
      return {
        count: (record) => {
          tally.add(record)
        },
        finish: async () => {
          await tellCount(warehouse, tally.entries(), { partition, round: clock.text })
          const before = earlier.get(partition)
          const detail = {
            partitions,
            previous: before?.round ?? '',
            previous_at: before?.roundAt ?? 0,
            previous_questions_at: before?.questionsAt ?? 0,
          }
          await tellLedger(warehouse, {
            ledger_marks: [
              {
                station: 'attributed',
                part: String(partition),
                looked_at: clock.text,
                detail: JSON.stringify(detail),
              },
            ],
          })
          // Questions are read after the clock: what was asked by then is listed.
          earlier.set(partition, {
            round: clock.text,
            roundAt: clock.now,
            questionsAt: clock.now,
          })
        },
      }
    },
  }
}

async function tellCount(
  warehouse: Pick<Warehouse, 'insert'>,
  entries: readonly CensusEntry[],
  { partition, round }: { readonly partition: number; readonly round: string },
): Promise<void> {
  for (let start = 0; start < entries.length; start += rowsPerInsert) {
    const rows = entries
      .slice(start, start + rowsPerInsert)
      .map((entry): Row => ({ partition, round, ...rowOf(entry) }))
    // A count is begun anew after a failure, under another round: rows written in vain count nowhere.
    await tellLedger(warehouse, { ledger_census: rows }, `census:${partition}:${round}:${start}`)
  }
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

async function readClock(warehouse: Pick<Warehouse, 'query'>): Promise<Clock> {
  const [clock] = await warehouse.query<Clock>(
    `SELECT toUnixTimestamp64Milli(at) AS now, toString(at) AS text
     FROM (SELECT now64(3, 'UTC') AS at)`,
  )
  if (clock === undefined) throw new RangeError('ClickHouse has no clock')
  return clock
}

/** Minutes whose records are to be listed, as `createCensusTally` names them. */
async function readQuestions(
  warehouse: Pick<Warehouse, 'query' | 'database'>,
): Promise<{ kind: string; source: string; minute: number }[]> {
  return warehouse.query(
    `SELECT DISTINCT kind, source, toUnixTimestamp(minute) * 1000 AS minute
     FROM ${quoteIdentifier(warehouse.database)}.ledger_questions
     WHERE minute >= now() - INTERVAL 2 DAY LIMIT 10000`,
  )
}
