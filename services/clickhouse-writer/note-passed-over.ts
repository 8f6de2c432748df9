// Offsets at which no reader finds a record (marks of transactions, what aborted ones had written) get a row in the
// ledger like any other, so that only offsets which nobody could read are missing there.
import assert from 'node:assert/strict'
import { topicRecordsTable } from '../core/ledger/topic-record-row'
import type { Row } from '../core/warehouse/row'
import type { Insert, InsertRefusal } from '../runtime/clickhouse'
import type { RowSource } from './read-rows'
import type { TopicPorts } from './topic-writer'

const rowsPerInsert = 20_000

/** Null for a topic whose offsets the ledger does not follow. Twice the same row counts once. */
export function notePassedOver(
  { standIn }: Pick<RowSource, 'standIn'>,
  topic: string,
  insert: (rows: Insert) => Promise<InsertRefusal | null>,
): TopicPorts['passOver'] {
  if (standIn === null) return null
  return async (hidden) => {
    for (const { last, partition, timestampMs, ...range } of hidden) {
      const rowAt = (offset: number): Row =>
        standIn({ topic, partition, offset, timestampMs, headers: {} })
      for (let first = range.first; first <= last; first += rowsPerInsert) {
        const length = Math.min(rowsPerInsert, last - first + 1)
        const rows = Array.from({ length }, (_, index) => rowAt(first + index))
        const refusal = await insert({ table: topicRecordsTable, rows, token: '' })
        assert(refusal === null, `a row of the ledger was refused: ${refusal?.name ?? ''}`)
      }
    }
  }
}
