// Who is to be forgotten, as a list within ClickHouse: statements that change tables name the list and never an
// identifier, since ClickHouse keeps such statements in files and logs. The list goes with the command.
import { randomBytes } from 'node:crypto'
import { migrationStatements, type WarehouseLayout } from '../../services/core/warehouse/migration'
import { SetupError } from '../../services/runtime/errors'
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { Mention } from './tell-processor'

const namePrefix = 'forgetting_'

export interface GoneList {
  /** Identifiers of the person, as far as ClickHouse knows them. */
  identifiers(): Promise<string[]>
  /** Takes in what has been joined to the person since. */
  refresh(): Promise<void>
  /** Nodes that were seen together with one of them. */
  mentions(): Promise<Mention[]>
  /** Order keys of theirs. */
  orders(): Promise<string[]>
  /** Fills in `{database}`, `{gone}` and `{touches}`. */
  statement(text: string): string
  close(): Promise<void>
}

const creation = `
CREATE TABLE {database}.{gone} {on_cluster} (identifier String)
ENGINE = {engine_prefix}MergeTree ORDER BY identifier;
CREATE TABLE {database}.{touches} {on_cluster} (source String, id String, precedence UInt64)
ENGINE = {engine_prefix}MergeTree ORDER BY (source, id, precedence);
`

/** Of an identifier that joins nobody, or of nobody known, the list is that identifier alone. */
const personOf = `
INSERT INTO {database}.{gone}
SELECT DISTINCT identifier FROM {database}.identities FINAL
WHERE identifier NOT IN (SELECT identifier FROM {database}.{gone}) AND person IN (
  SELECT person FROM {database}.identities FINAL WHERE identifier IN (SELECT identifier FROM {database}.{gone})
)`

/** Touches belong to the strongest identifier that is no hub; those are the rows that go as a whole. */
const touchesOf = `
INSERT INTO {database}.{touches}
WITH
  arrayFirst(one -> one NOT IN (SELECT identifier FROM {database}.identities FINAL WHERE state = 'hub'), identifiers) AS first
SELECT source, id, precedence FROM {database}.touchpoints
WHERE notEmpty(identifiers) AND (
  if(first = '', identifiers[1], first) IN (SELECT identifier FROM {database}.{gone})
  OR arrayAll(one -> one IN (SELECT identifier FROM {database}.{gone}), identifiers)
) AND (source, id, precedence) NOT IN (SELECT source, id, precedence FROM {database}.{touches})`

/** Wherever one of the list stands beside others: pairs of who holds the mention and whom it names. */
const mentionsOf = `
SELECT DISTINCT node, identifier FROM (
  SELECT arrayJoin(others) AS node, arrayJoin(arrayFilter(one -> one IN (SELECT identifier FROM {database}.{gone}), names)) AS identifier
  FROM (
    SELECT identifiers AS others, arrayConcat(identifiers, [shared_by]) AS names FROM {database}.touchpoints
    UNION ALL
    SELECT arrayConcat(identifiers, [concat('order:', order_key)]), identifiers FROM {database}.attributed_orders
    UNION ALL
    SELECT set, set FROM {database}.attributed_orders ARRAY JOIN evidence.identifiers AS set
    UNION ALL
    SELECT set, set FROM {database}.identities ARRAY JOIN evidence.identifiers AS set
  )
)
WHERE node != identifier
ORDER BY node, identifier`

const ordersOf = `
SELECT DISTINCT order_key FROM {database}.attributed_orders
WHERE person IN (SELECT identifier FROM {database}.{gone}) ORDER BY order_key`

/** @param identifier keyed hash. @throws DependencyError when ClickHouse does not answer */
export async function openGoneList(
  { warehouse, layout }: { readonly warehouse: Warehouse; readonly layout: WarehouseLayout },
  identifier: string,
): Promise<GoneList> {
  const gone = `${namePrefix}${randomBytes(6).toString('hex')}`
  const touches = `${gone}_touches`
  const fill = (text: string): string[] =>
    migrationStatements(`${text}\n;`, layout).map((one) =>
      one.replaceAll('{gone}', gone).replaceAll('{touches}', touches),
    )
  const statement = (text: string): string => fill(text)[0] ?? ''
  const drop = async (table: string): Promise<void> => {
    await warehouse.command(statement(`DROP TABLE IF EXISTS {database}.${table} {on_cluster} SYNC`))
  }
  await dropLeftovers(warehouse, drop)
  for (const one of fill(creation)) await warehouse.command(one)
  const refusal = await warehouse.insert({ table: gone, rows: [{ identifier }], token: '' })
  if (refusal !== null) throw new SetupError(`ClickHouse refused the list: ${refusal.name}`)
  const refresh = async (): Promise<void> => {
    await warehouse.command(statement(personOf))
    await warehouse.command(statement(touchesOf))
  }
  await refresh()
  const ask = async <Row>(text: string): Promise<Row[]> => warehouse.query<Row>(statement(text))
  return {
    ...{ refresh, statement },
    identifiers: async () => {
      const rows = await ask<{ identifier: string }>('SELECT identifier FROM {database}.{gone}')
      return rows.map((row) => row.identifier)
    },
    mentions: () => ask<Mention>(mentionsOf),
    orders: async () => {
      const rows = await ask<{ order_key: string }>(ordersOf)
      return rows.map((row) => row.order_key)
    },
    close: async () => {
      await drop(touches)
      await drop(gone)
    },
  }
}

/** A run that was cut off leaves its list behind; whoever forgets next takes it away. One run at a time. */
async function dropLeftovers(
  warehouse: Warehouse,
  drop: (table: string) => Promise<void>,
): Promise<void> {
  const found = await warehouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String})`,
    { database: warehouse.database, prefix: namePrefix },
  )
  for (const { name } of found) await drop(name)
}
