// What becomes of dead letters that are replayed through topics which this service reads.
import { isForAnother, isReplay } from '../core/dead-letters/replay'
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Warehouse } from '../runtime/clickhouse'
import type { ReadRecord } from './read-rows'

/**
 * The one table that only appends: it has no key by which a record that is replayed a second time would be the same row, and
 * the roll-ups fed from it would count it twice. So what a replay brings is looked for first.
 */
export const appendedTable = 'attributed_orders'

interface Version {
  readonly order_key: string
  readonly version: number
}

interface WrittenVersion extends Version {
  readonly kafka_partition: number
  readonly kafka_offset: number
}

/** A record that another service had refused has its row already. */
export function passOver(read: ReadRecord): ReadRecord {
  const { headers } = read.record
  if (isForAnother(headers, 'clickhouse-writer')) {
    return { ...read, row: null, rejected: null, acceptedAtMs: null }
  }
  // Nor is one of our own news of anything.
  return isReplay(headers) ? { ...read, acceptedAtMs: null } : read
}

/**
 * The same records, replayed versions of orders without a row where the table has one that was not made of this very record:
 * its own row says that an insert was cut off, which is then repeated for the sake of the roll-ups.
 * @throws DependencyError when ClickHouse does not answer
 */
export async function skipWritten(
  reads: readonly ReadRecord[],
  warehouse: Warehouse,
): Promise<ReadRecord[]> {
  const replayed = reads.filter(({ record, row }) => row !== null && isReplay(record.headers))
  if (replayed.length === 0) return [...reads]
  const keys = new Set(replayed.map(({ row }) => versionOf(row).order_key))
  const written = await warehouse.query<WrittenVersion>(
    `SELECT order_key, version, kafka_partition, kafka_offset
     FROM ${quoteIdentifier(warehouse.database)}.${appendedTable}
     WHERE order_key IN {keys:Array(String)}`,
    { keys: [...keys] },
  )
  const places = new Map<string, string>()
  for (const one of written) places.set(textOf(one), `${one.kafka_partition}:${one.kafka_offset}`)
  return reads.map((read) => {
    if (read.row === null || !isReplay(read.record.headers)) return read
    const version = textOf(versionOf(read.row))
    const own = `${read.record.partition}:${read.record.offset}`
    const known = places.get(version) ?? own
    // Of two replays in one batch only the first has a row.
    places.set(version, known)
    return known === own ? read : { ...read, row: null }
  })
}

function versionOf(row: ReadRecord['row']): Version {
  return row as unknown as Version
}

function textOf({ order_key, version }: Version): string {
  return `${order_key} ${version}`
}
