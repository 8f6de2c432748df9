// From Kafka's bytes to rows: what becomes of each record of a batch.
import { orderTopicRow, topicRecordsTable, type ReadAt } from '../core/ledger/topic-record-row'
import type { Order } from '../core/records'
import { deadLettersTable, feeds, type Feed } from '../core/warehouse/feeds'
import type { Row } from '../core/warehouse/row'
import { deadLetterRow } from '../core/warehouse/rows'
import { isReject, type Reject } from '../core/reject'
import { deadLettersTopic, topics, type Topic, type ValueOf } from '../core/topics'
import type { RecordCodec } from '../runtime/codec'
import type { IncomingRecord } from '../runtime/kafka'

/** A record and its row, or why it has none; neither for the tombstone of a compacted topic. */
export interface ReadRecord {
  readonly record: IncomingRecord
  readonly row: Row | null
  /** Of the topics whose records the ledger follows one by one. */
  readonly ledgerRow: Row | null
  readonly rejected: Reject | null
  readonly acceptedAtMs: number | null
}

/** One topic's records as rows of one table. */
export interface RowSource {
  readonly topic: string
  readonly table: string
  /** Somebody watches this table while a room is on air. */
  readonly urgent: boolean
  /** Stands in the ledger for an offset at which there is no record; null where it follows none. */
  readonly standIn: ((at: ReadAt) => Row) | null
  /** @throws DependencyError when the schema registry does not answer */
  read(records: readonly IncomingRecord[]): Promise<ReadRecord[]>
}

/** Every topic of the service, each with the codec that `codecOf` finds. */
export async function openSources(
  codecOf: <T extends Topic>(topic: T) => Promise<RecordCodec<ValueOf<T>>>,
): Promise<RowSource[]> {
  const fed = feeds.map(async (feed) => feedSource(feed, await codecOf(feed.topic)))
  return [
    ...(await Promise.all(fed)),
    ledgerSource(await codecOf(topics.orders)),
    deadLetterSource(),
  ]
}

const nothing = { row: null, ledgerRow: null, rejected: null, acceptedAtMs: null } as const

/** `codec` must be the one of the feed's topic. */
export function feedSource(
  feed: Feed,
  codec: RecordCodec<Parameters<Feed['rowOf']>[0]>,
): RowSource {
  const readOne = (record: IncomingRecord): ReadRecord => {
    const value = record.value === null ? null : codec.decode(record.value)
    const ledgerRow = feed.ledgerRowOf?.(isReject(value) ? null : value, record) ?? null
    if (value === null) return { ...nothing, record, ledgerRow }
    const row = isReject(value) ? value : feed.rowOf(value, record)
    if (isReject(row)) return { ...nothing, record, ledgerRow, rejected: row }
    const acceptedAtMs = isReject(value) ? null : feed.acceptedAtOf(value)
    return { record, row, ledgerRow, rejected: null, acceptedAtMs }
  }
  return {
    topic: feed.topic.name,
    table: feed.table,
    urgent: feed.urgent,
    standIn: feed.ledgerRowOf === undefined ? null : (at) => feed.ledgerRowOf?.(null, at) ?? {},
    async read(records) {
      await codec.learn(records.map(({ value }) => value))
      return records.map(readOne)
    },
  }
}

/** Orders reach their table as attributed ones; as they stand in their topic only the ledger wants them. What
 * cannot be decoded the stream processor buries. */
function ledgerSource(codec: RecordCodec<Order>): RowSource {
  const readOne = (record: IncomingRecord): ReadRecord => {
    const value = record.value === null ? null : codec.decode(record.value)
    return { ...nothing, record, ledgerRow: orderTopicRow(isReject(value) ? null : value, record) }
  }
  return {
    topic: topics.orders.name,
    table: topicRecordsTable,
    urgent: false,
    standIn: (at) => orderTopicRow(null, at),
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
    return { ...nothing, record, row: deadLetterRow(letter, record) }
  }
  return {
    topic: deadLettersTopic.name,
    table: deadLettersTable,
    urgent: false,
    standIn: null,
    read: (records) => Promise.resolve(records.map(readOne)),
  }
}

function base64(bytes: Buffer | null): string {
  return bytes?.toString('base64') ?? ''
}
