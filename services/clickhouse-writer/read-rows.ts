// From Kafka's bytes to rows: what becomes of each record of a batch.
import type { Feed } from '../core/warehouse/feeds'
import { deadLettersTable } from '../core/warehouse/feeds'
import type { Row } from '../core/warehouse/row'
import { deadLetterRow } from '../core/warehouse/rows'
import { isReject, type Reject } from '../core/reject'
import { deadLettersTopic } from '../core/topics'
import type { RecordCodec } from '../runtime/codec'
import type { IncomingRecord } from '../runtime/kafka'

/** A record and its row, or why it has none; neither for the tombstone of a compacted topic. */
export interface ReadRecord {
  readonly record: IncomingRecord
  readonly row: Row | null
  readonly rejected: Reject | null
  readonly acceptedAtMs: number | null
}

/** One topic's records as rows of one table. */
export interface RowSource {
  readonly topic: string
  readonly table: string
  /** @throws DependencyError when the schema registry does not answer */
  read(records: readonly IncomingRecord[]): Promise<ReadRecord[]>
}

/** `codec` must be the one of the feed's topic. */
export function feedSource(
  feed: Feed,
  codec: RecordCodec<Parameters<Feed['rowOf']>[0]>,
): RowSource {
  const readOne = (record: IncomingRecord): ReadRecord => {
    if (record.value === null) return { record, row: null, rejected: null, acceptedAtMs: null }
    const value = codec.decode(record.value)
    const row = isReject(value) ? value : feed.rowOf(value, record)
    if (isReject(row)) return { record, row: null, rejected: row, acceptedAtMs: null }
    const acceptedAtMs = isReject(value) ? null : feed.acceptedAtOf(value)
    return { record, row, rejected: null, acceptedAtMs }
  }
  return {
    topic: feed.topic.name,
    table: feed.table,
    async read(records) {
      await codec.learn(records.map(({ value }) => value))
      return records.map(readOne)
    },
  }
}

export function deadLetterSource(): RowSource {
  const readOne = (record: IncomingRecord): ReadRecord => {
    const { headers } = record
    const letter = { headers, key: base64(record.key), value: base64(record.value) }
    return { record, row: deadLetterRow(letter, record), rejected: null, acceptedAtMs: null }
  }
  return {
    topic: deadLettersTopic.name,
    table: deadLettersTable,
    read: (records) => Promise.resolve(records.map(readOne)),
  }
}

function base64(bytes: Buffer | null): string {
  return bytes?.toString('base64') ?? ''
}
