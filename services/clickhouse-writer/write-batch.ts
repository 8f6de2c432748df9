// One batch of a topic into its table. What cannot be decoded, and what ClickHouse refuses for its data,
// becomes a dead letter; the rest of the batch is written.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { topicRecordsTable } from '../core/ledger/topic-record-row'
import { reject } from '../core/reject'
import { deadLettersTopic } from '../core/topics'
import { deadLetter } from '../runtime/dead-letter'
import type { IncomingRecord, OutgoingRecord } from '../runtime/kafka'
import type { Insert, InsertRefusal } from '../runtime/clickhouse'
import type { ReadRecord, RowSource } from './read-rows'

/** Each returns only when it is done: what is unwell is tried again behind it. */
export interface BatchPorts {
  readonly read: RowSource['read']
  readonly insert: (insert: Insert) => Promise<InsertRefusal | null>
  readonly bury: (letters: readonly OutgoingRecord[]) => Promise<void>
}

export interface BatchTarget {
  readonly table: string
  /** Put before every topic's name on the broker. */
  readonly topicPrefix: string
}

/** Writes records of one topic, partition by partition; what they became, for counting. */
export async function writeBatch(
  records: readonly IncomingRecord[],
  target: BatchTarget,
  ports: BatchPorts,
): Promise<ReadRecord[]> {
  const reads = await ports.read(records)
  const outcomes = new Map(reads.map((read) => [read.record, read]))
  const refuse = (read: ReadRecord, refusal: InsertRefusal): void => {
    // A dead letter of a dead letter would come back here, for ever.
    const letters = target.topicPrefix + deadLettersTopic.name
    assert(read.record.topic !== letters, `a dead letter was refused: ${refusal.name}`)
    const rejected = reject('invalid', `clickhouse ${refusal.code} ${refusal.name}`)
    outcomes.set(read.record, { ...read, row: null, rejected })
  }
  await Promise.all([insertLedgerRows(reads, ports), insertPart(reads, { target, ports, refuse })])
  const results = [...outcomes.values()]
  const origin = { stage: 'clickhouse-writer', prefix: target.topicPrefix }
  const letters = results.flatMap(({ record, rejected }) =>
    rejected === null ? [] : [deadLetter(record, rejected, origin)],
  )
  if (letters.length > 0) await ports.bury(letters)
  return results
}

/** Of all records: what ClickHouse refuses, or what cannot be decoded, was in the topic too. */
async function insertLedgerRows(reads: readonly ReadRecord[], ports: BatchPorts): Promise<void> {
  const rows = reads.flatMap(({ ledgerRow }) => (ledgerRow === null ? [] : [ledgerRow]))
  if (rows.length === 0) return
  const token = batchToken(reads.map(({ record }) => record))
  const refusal = await ports.insert({ table: topicRecordsTable, rows, token })
  assert(refusal === null, `a row of the ledger was refused: ${refusal?.name ?? ''}`)
}

interface PartContext {
  readonly target: BatchTarget
  readonly ports: BatchPorts
  readonly refuse: (read: ReadRecord, refusal: InsertRefusal) => void
}

/** Halves what is refused until the wrong row stands alone. The same batch is always halved the same way. */
async function insertPart(reads: readonly ReadRecord[], context: PartContext): Promise<void> {
  const rows = reads.flatMap(({ row }) => (row === null ? [] : [row]))
  if (rows.length === 0) return
  const token = batchToken(reads.map(({ record }) => record))
  const refusal = await context.ports.insert({ table: context.target.table, rows, token })
  if (refusal === null) return
  const [only] = reads
  if (reads.length === 1 && only !== undefined) {
    context.refuse(only, refusal)
    return
  }
  const middle = reads.length >> 1
  await insertPart(reads.slice(0, middle), context)
  await insertPart(reads.slice(middle), context)
}

/**
 * By this ClickHouse knows a repeated insert. The digest is of the records' bytes: recreated topics begin at
 * the same offsets again, and a newer version of this service may make other rows from the same records.
 */
export function batchToken(records: readonly IncomingRecord[]): string {
  const hash = createHash('sha256')
  for (const { partition, offset, value } of records) {
    hash.update(`${partition}:${offset}:${value?.length ?? -1}:`)
    if (value !== null) hash.update(value)
  }
  const [first] = records
  const last = records.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('a token of no records')
  const digest = hash.digest('hex').slice(0, 32)
  const range = `${first.partition}:${first.offset}:${last.partition}:${last.offset}`
  return `${first.topic}:${range}:${digest}`
}
