// Brings a database to the shape this version writes, and tells whether it has it. Applying is a deploy-time
// command; a running service only looks. Every statement is idempotent, so several may apply at once.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  compareMigrations,
  migrationName,
  migrationStatements,
  quoteIdentifier,
  type AppliedMigration,
  type WarehouseLayout,
} from '../core/warehouse/migration'
import { SetupError } from '../runtime/errors'
import { projectDirectory } from '../runtime/schemas'
import type { Warehouse } from '../runtime/clickhouse'

export interface Migration extends AppliedMigration {
  readonly text: string
}

/**
 * Applies what is missing, in order.
 * @returns file names applied. @throws SetupError when an applied migration has another text now
 */
export async function applyMigrations(
  warehouse: Warehouse,
  layout: WarehouseLayout,
  migrations = readMigrations(),
): Promise<string[]> {
  const [ledger] = migrations
  if (ledger?.number !== 0) throw new SetupError('infra/clickhouse/migrations: no migration 0000')
  const onCluster = layout.cluster === '' ? '' : ` ON CLUSTER ${quoteIdentifier(layout.cluster)}`
  await warehouse.command(
    `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(layout.database)}${onCluster}`,
  )
  await run(warehouse, ledger, layout)
  const applied = await appliedMigrations(warehouse)
  const { missing, changed } = compareMigrations(migrations, applied)
  refuseChanged(changed)
  for (const { number, name, checksum } of missing) {
    const migration = migrations.find((known) => known.number === number)
    if (migration !== undefined) await run(warehouse, migration, layout)
    await warehouse.insert({
      table: 'schema_migrations',
      rows: [{ number, name, checksum }],
      token: '',
    })
  }
  return missing.map(fileOf)
}

/** @throws SetupError when a migration is missing or was applied with another text */
export async function assertMigrated(
  warehouse: Warehouse,
  migrations = readMigrations(),
): Promise<void> {
  const [found] = await warehouse.query<{ tables: number }>(
    `SELECT count() AS tables FROM system.tables
     WHERE database = {database:String} AND name = 'schema_migrations'`,
    { database: warehouse.database },
  )
  const applied = found?.tables === 1 ? await appliedMigrations(warehouse) : []
  const { missing, changed } = compareMigrations(migrations, applied)
  refuseChanged(changed)
  if (missing.length > 0) {
    const files = missing.map(fileOf).join(', ')
    throw new SetupError(
      `ClickHouse database ${warehouse.database} lacks ${files}: run npm run migrate`,
    )
  }
}

/** The migration files, by number. @throws SetupError when a file name is wrong or a number stands twice */
export function readMigrations(
  directory = join(projectDirectory(), 'infra', 'clickhouse', 'migrations'),
): Migration[] {
  const seen = new Set<number>()
  return readdirSync(directory)
    .sort()
    .map((file) => {
      const name = migrationName(file)
      if (name === null) throw new SetupError(`${file}: not a migration, say 0001-some-name.sql`)
      if (seen.has(name.number)) throw new SetupError(`${file}: its number is taken`)
      seen.add(name.number)
      const text = readFileSync(join(directory, file), 'utf8')
      return { ...name, text, checksum: createHash('sha256').update(text).digest('hex') }
    })
}

async function run(
  warehouse: Warehouse,
  migration: Migration,
  layout: WarehouseLayout,
): Promise<void> {
  for (const statement of migrationStatements(migration.text, layout)) {
    await warehouse.command(statement)
  }
}

function appliedMigrations(warehouse: Warehouse): Promise<AppliedMigration[]> {
  return warehouse.query<AppliedMigration>(
    `SELECT number, name, checksum
     FROM ${quoteIdentifier(warehouse.database)}.schema_migrations FINAL ORDER BY number`,
  )
}

function refuseChanged(changed: readonly AppliedMigration[]): void {
  if (changed.length === 0) return
  throw new SetupError(
    `${changed.map(fileOf).join(', ')}: changed since it was applied; write a new migration instead`,
  )
}

function fileOf({ number, name }: AppliedMigration): string {
  return `${String(number).padStart(4, '0')}-${name}.sql`
}
