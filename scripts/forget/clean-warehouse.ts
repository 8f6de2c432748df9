// Takes a person out of ClickHouse's tables. Rows of the person go; rows of others and of orders lose the identifiers
// and keep all else, so that every sum stays what it was. Each step can be repeated; who belonged to whom goes last, since
// a run that begins again learns it from there.
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { GoneList } from './gone-list'

interface Cleaning {
  readonly table: string
  readonly change: string
  readonly where: string
}

export interface Cleaned {
  readonly table: string
  readonly rows: number
  readonly way: 'deleted' | 'rewritten'
}

const isGone = (what: string): string => `${what} IN (SELECT identifier FROM {database}.{gone})`
const left = (array: string): string => `arrayFilter(one -> NOT (${isGone('one')}), ${array})`
const namesGone = (array: string): string => `arrayExists(one -> ${isGone('one')}, ${array})`
/** For texts and bytes that hold identifiers somewhere. */
const quotesGone = (...texts: readonly string[]): string =>
  texts
    .map(
      (text) =>
        `arrayExists(one -> position(${text}, one) > 0, (SELECT groupArray(identifier) FROM {database}.{gone}))`,
    )
    .join(' OR ')

const evidenceType = `'Array(Tuple(identifiers Array(String), source String, id String, at DateTime64(3, \\'UTC\\')))'`
/** A set that shows fewer than two together shows nothing. */
const evidenceLeft = `arrayFilter(
  set -> length(set.1) > 1, arrayMap(set -> (${left('set.1')}, set.2, set.3, set.4), evidence)
)`
const isQuotedByLetter = quotesGone(
  'tryBase64Decode(record_key)',
  'tryBase64Decode(record_value)',
  'detail',
)

function orders(table: string): Cleaning {
  const own = isGone('person')
  return {
    table,
    change: `UPDATE
      identifiers = if(${own}, [], ${left('identifiers')}),
      person_identifiers = if(${own}, [], ${left('person_identifiers')}),
      evidence = CAST(if(${own}, [], ${evidenceLeft}), ${evidenceType}),
      person = if(${own}, concat('order:', order_key), person)`,
    where: namesGone(
      'arrayConcat(identifiers, person_identifiers, [person], arrayFlatten(evidence.identifiers))',
    ),
  }
}

/** In this order. */
const cleanings: readonly Cleaning[] = [
  {
    table: 'topic_records',
    change: `UPDATE id = ''`,
    where: `kind = 'touchpoint' AND id != '' AND (source, id) IN (SELECT source, id FROM {database}.{touches})`,
  },
  { table: 'dead_letters', change: 'DELETE', where: isQuotedByLetter },
  {
    table: 'findings',
    change: 'DELETE',
    where: `${isGone('subject')} OR ${quotesGone('detail')}`,
  },
  { table: 'erp_deliveries', change: `UPDATE words = ''`, where: quotesGone('words') },
  orders('attributed_orders'),
  orders('orders'),
  {
    table: 'touchpoints',
    change: 'DELETE',
    where: `(source, id, precedence) IN (SELECT source, id, precedence FROM {database}.{touches})`,
  },
  {
    table: 'touchpoints',
    change: `UPDATE identifiers = ${left('identifiers')}, shared_by = if(${isGone('shared_by')}, '', shared_by)`,
    where: namesGone('arrayConcat(identifiers, [shared_by])'),
  },
  {
    table: 'identities',
    change: `UPDATE
      evidence = CAST(${evidenceLeft}, ${evidenceType}),
      person = if(${isGone('person')}, identifier, person)`,
    where: `NOT (${isGone('identifier')}) AND ${namesGone('arrayConcat([person], arrayFlatten(evidence.identifiers))')}`,
  },
  { table: 'identities', change: 'DELETE', where: isGone('identifier') },
]

const idHash = (id: string): string =>
  `bitOr(bitShiftLeft(toUInt64(xxHash32(${id})), 32), toUInt64(kafkaMurmurHash(${id})))`

/** So that the ledger does not look for what is about to go. */
const explanations: readonly string[] = [
  `INSERT INTO {database}.ledger_forgotten (kind, source, id_hash)
    SELECT DISTINCT 'touchpoint', source, ${idHash('id')} FROM {database}.{touches}`,
  `INSERT INTO {database}.ledger_forgotten (kind, source, id_hash)
    SELECT DISTINCT kind, source, id_hash FROM {database}.topic_records
    WHERE source != '' AND (kafka_topic, kafka_partition, kafka_offset) IN (
      SELECT origin_topic, origin_partition, origin_offset FROM {database}.dead_letters WHERE ${isQuotedByLetter}
    )`,
]

/** Rows of each table that there is something to do about. */
export async function findRows(warehouse: Warehouse, list: GoneList): Promise<Cleaned[]> {
  const found: Cleaned[] = []
  for (const { table, change, where } of cleanings) {
    const text = `SELECT toUInt32(count()) AS rows FROM {database}.${table} WHERE ${where}`
    const [row] = await warehouse.query<{ rows: number }>(list.statement(text))
    const way = change === 'DELETE' ? 'deleted' : 'rewritten'
    if (row !== undefined && row.rows > 0) found.push({ table, rows: row.rows, way })
  }
  return found
}

/** @returns what was found and changed. @throws DependencyError: to be run again, from the beginning */
export async function cleanWarehouse(warehouse: Warehouse, list: GoneList): Promise<Cleaned[]> {
  const found = await findRows(warehouse, list)
  for (const text of explanations) await warehouse.command(list.statement(text))
  for (const { table, change, where } of cleanings) {
    if (!found.some((one) => one.table === table)) continue
    await warehouse.command(
      list.statement(
        `ALTER TABLE {database}.${table} {on_cluster} ${change} WHERE ${where}
         SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1`,
      ),
    )
  }
  return found
}
