// Who may do what in ClickHouse: the statements of infra/clickhouse/users.sql, filled in, and the users whose
// passwords are given.
import { migrationStatements, quoteIdentifier, type WarehouseLayout } from './migration'

export const warehouseRoles = ['owner', 'writer', 'ledger', 'reader'] as const
export type WarehouseRole = (typeof warehouseRoles)[number]

/** SHA-256 of a password, in hex, so that no password stands in a statement or in a query log. */
export type PasswordDigests = Readonly<Partial<Record<WarehouseRole, string>>>

/** `tributary_writer` of the database `tributary`. */
export function warehouseUser({ database }: WarehouseLayout, role: WarehouseRole): string {
  return `${database}_${role}`
}

/**
 * Statements that bring roles and users to what this version needs, whatever they were before; in order.
 * @param text users.sql
 */
export function userStatements(
  text: string,
  layout: WarehouseLayout,
  digests: PasswordDigests,
): string[] {
  const roleOf = (role: WarehouseRole): string =>
    quoteIdentifier(`${warehouseUser(layout, role)}_role`)
  const onCluster = layout.cluster === '' ? '' : ` ON CLUSTER ${quoteIdentifier(layout.cluster)}`
  const filled = warehouseRoles.reduce(
    (sql, role) => sql.replaceAll(`{${role}_role}`, roleOf(role)),
    text,
  )
  const users = warehouseRoles.flatMap((role) => {
    const digest = digests[role]
    if (digest === undefined) return []
    const user = quoteIdentifier(warehouseUser(layout, role))
    const identified = `IDENTIFIED WITH sha256_hash BY '${digest}'`
    return [
      `CREATE USER IF NOT EXISTS ${user}${onCluster} ${identified}`,
      `GRANT${onCluster} ${roleOf(role)} TO ${user} WITH REPLACE OPTION`,
      `ALTER USER ${user}${onCluster} ${identified} DEFAULT ROLE ${roleOf(role)}`,
    ]
  })
  return [...migrationStatements(filled, layout), ...users]
}
