// Offsets at which no reader finds a record (marks of transactions, what aborted ones had written) get a row in the
// ledger like any other, so that only offsets which nobody could read are missing there.
import assert from 'node:assert/strict'
import { topicRecordsTable } from '../core/ledger/topic-record-row'
import type { Row } from '../core/warehouse/row'
import type { Insert, InsertRefusal } from '../runtime/clickhouse'
import type { TopicPartition } from '../runtime/kafka-consumer'
import type { PartitionPorts } from './partition-writer'
import type { RowSource } from './read-rows'

const rowsPerInsert = 20_000

/** Null for a topic whose offsets the ledger does not follow. Twice the same row counts once. */
export function notePassedOver(
  { standIn }: Pick<RowSource, 'standIn'>,
  partition: TopicPartition,
  insert: (rows: Insert) => Promise<InsertRefusal | null>,
): PartitionPorts['passOver'] {
  if (standIn === null) return null
  const rowAt = (offset: number, timestampMs: number): Row =>
    standIn({ ...partition, offset, timestampMs, headers: {} })
  return async (hidden) => {
    for (const { last, timestampMs, ...range } of hidden) {
      for (let first = range.first; first <= last; first += rowsPerInsert) {
        const length = Math.min(rowsPerInsert, last - first + 1)
        const rows = Array.from({ length }, (_, index) => rowAt(first + index, timestampMs))
        const refusal = await insert({ table: topicRecordsTable, rows, token: '' })
        assert(refusal === null, `a row of the ledger was refused: ${refusal?.name ?? ''}`)
      }
    }
  }
}
