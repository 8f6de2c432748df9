// Compares the tables of two runs by the view `table_digests`, and names the rows where a digest differs: what a
// digest is of stands in that view alone.
import type { Warehouse } from '../../services/runtime/clickhouse'

export interface DigestPair {
  readonly name: string
  readonly undisturbed: string
  readonly disturbed: string
  readonly rows: number
}

/** The query that shows both digests of each table. */
export function digestsQuery(undisturbed: string, disturbed: string): string {
  return `SELECT name, a.digest AS undisturbed, b.digest AS disturbed, b.rows AS rows
FROM ${undisturbed}.table_digests AS a JOIN ${disturbed}.table_digests AS b USING name ORDER BY name`
}

export function readDigests(
  warehouse: Warehouse,
  databases: { readonly undisturbed: string; readonly disturbed: string },
): Promise<DigestPair[]> {
  return warehouse.query<DigestPair>(digestsQuery(databases.undisturbed, databases.disturbed))
}

const rowsShownMax = 3

/** For each table whose digests differ: rows that only one of the two runs has. */
export async function differingRows(
  warehouse: Warehouse,
  databases: { readonly undisturbed: string; readonly disturbed: string },
): Promise<string[]> {
  const { undisturbed, disturbed } = databases
  const pairs = await readDigests(warehouse, databases)
  const found: string[] = []
  for (const pair of pairs.filter((one) => one.undisturbed !== one.disturbed)) {
    const branch = await branchOf(warehouse, disturbed, pair.name)
    if (branch === null) {
      found.push(`${pair.name}: the digests differ`)
      continue
    }
    const rows = (database: string): string =>
      `SELECT toString(tuple(${branch.columns})) AS row FROM ${branch.from.replaceAll(`${disturbed}.`, `${database}.`)}`
    const only = async (here: string, there: string): Promise<string[]> =>
      (
        await warehouse.query<{ row: string; n: number }>(
          `SELECT row, count() OVER () AS n FROM (${rows(here)}) WHERE row NOT IN (${rows(there)}) ORDER BY row LIMIT ${rowsShownMax}`,
        )
      ).map(({ row, n }) => `(1 of ${n}) ${row.slice(0, 1_500)}`)
    for (const row of await only(undisturbed, disturbed)) {
      found.push(`${pair.name}: only undisturbed ${row}`)
    }
    for (const row of await only(disturbed, undisturbed)) {
      found.push(`${pair.name}: only disturbed ${row}`)
    }
    if (!found.some((line) => line.startsWith(`${pair.name}:`))) {
      found.push(`${pair.name}: the same rows, some more often (${pair.rows} rows disturbed)`)
    }
  }
  return found
}

/** The part of the view that makes the digest of `table`: what is hashed, and of which rows. */
async function branchOf(
  warehouse: Warehouse,
  database: string,
  table: string,
): Promise<{ readonly columns: string; readonly from: string } | null> {
  const [view] = await warehouse.query<{ text: string }>(
    `SELECT as_select AS text FROM system.tables WHERE database = {database:String} AND name = 'table_digests'`,
    { database },
  )
  for (const part of (view?.text ?? '').split(' UNION ALL ')) {
    const match =
      /^SELECT\s+'(\w+)'.*?sum\(cityHash64\((.*)\)\)\)(?:\s+AS\s+digest)?\s+FROM\s+(.*)$/s.exec(
        part.trim(),
      )
    const [, name, columns, from] = match ?? []
    if (name === table && columns !== undefined && from !== undefined) return { columns, from }
  }
  return null
}
