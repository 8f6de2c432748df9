// Makes the users that services and people work as, each with no more rights than it needs.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WarehouseLayout } from '../core/warehouse/migration'
import {
  userStatements,
  warehouseRoles,
  warehouseUser,
  type WarehouseRole,
} from '../core/warehouse/users'
import type { Warehouse } from '../runtime/clickhouse'
import { projectDirectory } from '../runtime/schemas'

export type RolePasswords = Readonly<Partial<Record<WarehouseRole, string | undefined>>>

/**
 * Brings roles to this version's rights, and makes a user for every role with a password or gives it that
 * password. Needs a connection that may manage access. Repeating it changes nothing.
 * @returns names of the users. @throws DependencyError
 */
export async function applyUsers(
  warehouse: Warehouse,
  layout: WarehouseLayout,
  passwords: RolePasswords,
): Promise<string[]> {
  const given = warehouseRoles.filter((role) => passwords[role] !== undefined)
  const digests = Object.fromEntries(given.map((role) => [role, digestOf(passwords[role] ?? '')]))
  for (const statement of userStatements(usersSql(), layout, digests)) {
    await warehouse.command(statement)
  }
  return given.map((role) => warehouseUser(layout, role))
}

function usersSql(): string {
  return readFileSync(join(projectDirectory(), 'infra', 'clickhouse', 'users.sql'), 'utf8')
}

function digestOf(password: string): string {
  return createHash('sha256').update(password).digest('hex')
}
