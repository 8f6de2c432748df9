// Ceiling of the clickhouse-writer, in a process of its own: @clickhouse/client alone inserts the same rows in the same
// format, as many to an insert and two inserts at once, from memory.
import { createClient } from '@clickhouse/client'
import { topicRecordsTable } from '../../services/core/ledger/topic-record-row'
import { isReject } from '../../services/core/reject'
import { topics } from '../../services/core/topics'
import { feeds } from '../../services/core/warehouse/feeds'
import type { Row } from '../../services/core/warehouse/row'
import { localCodec } from '../../services/runtime/codec'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { answerParent } from './child'
import { mixOf, usualMix } from './mix'

export interface InsertPlan {
  readonly url: string
  readonly database: string
  /** Of touchpoints; each makes a row of its table and one of the ledger's. */
  readonly records: number
  readonly rowsPerInsert: number
}

export interface InsertFigures {
  readonly rows: number
  readonly seconds: number
  readonly cpuSeconds: number
}

interface Batch {
  readonly table: string
  readonly rows: readonly Row[]
}

async function insert(plan: InsertPlan): Promise<InsertFigures> {
  const { url, database } = plan
  const client = createClient({ url, database, compression: { request: false, response: false } })
  const batches = batchesOf(plan)
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  let next = 0
  const one = async (): Promise<void> => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      await client.insert({ table: batch.table, values: [...batch.rows], format: 'JSONEachRow' })
    }
  }
  await Promise.all([one(), one()])
  const seconds = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  await client.close()
  const rows = batches.reduce((sum, batch) => sum + batch.rows.length, 0)
  return { rows, seconds, cpuSeconds: (user + system) / 1_000_000 }
}

function batchesOf({ records, rowsPerInsert }: InsertPlan): Batch[] {
  const feed = feeds.find(({ topic }) => topic.name === topics.touchpoints.name)
  if (feed === undefined) throw new Error('touchpoints have no table')
  const codec = localCodec('Touchpoint')
  const rows: { row: Row; ledgerRow: Row }[] = []
  const persons = Math.ceil(records / usualMix.touchesPerPerson)
  for (const { touchpoint } of mixOf({ ...usualMix, persons })) {
    if (touchpoint === undefined) break
    const record: IncomingRecord = {
      ...{ topic: topics.touchpoints.name, partition: 0, offset: rows.length, key: null },
      ...{ value: null, headers: {}, timestampMs: touchpoint.accepted_at },
    }
    // Through the codec, for objects as the writer has them.
    const value = codec.decode(codec.encode(touchpoint))
    if (isReject(value)) throw new Error(value.detail)
    const row = feed.rowOf(value, record)
    const ledgerRow = feed.ledgerRowOf?.(value, record)
    if (isReject(row) || ledgerRow === undefined) throw new Error('no row')
    rows.push({ row, ledgerRow })
  }
  const batches: Batch[] = []
  for (let at = 0; at < rows.length; at += rowsPerInsert) {
    const part = rows.slice(at, at + rowsPerInsert)
    batches.push({ table: topicRecordsTable, rows: part.map(({ ledgerRow }) => ledgerRow) })
    batches.push({ table: feed.table, rows: part.map(({ row }) => row) })
  }
  return batches
}

answerParent(insert)
