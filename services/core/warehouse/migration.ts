// A migration file: its number and name in the file name, its statements each ended by a semicolon at the end
// of a line, and {placeholders} for what differs between one server and a cluster.

export interface MigrationName {
  readonly number: number
  readonly name: string
}

/** What takes the place of the placeholders. */
export interface WarehouseLayout {
  readonly database: string
  /** Empty for one server. */
  readonly cluster: string
  /** Inserts per table that are remembered, so that a repeated one is recognised. */
  readonly deduplicationWindow: number
}

/** Number and name of `0007-some-name.sql`; null for a file that is no migration. */
export function migrationName(file: string): MigrationName | null {
  const match = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file)
  return match === null ? null : { number: Number(match[1]), name: match[2] ?? '' }
}

/** The statements, in order, with every placeholder filled in. */
export function migrationStatements(text: string, layout: WarehouseLayout): string[] {
  const replicated = layout.cluster !== ''
  const values: Record<string, string> = {
    database: quoteIdentifier(layout.database),
    on_cluster: replicated ? `ON CLUSTER ${quoteIdentifier(layout.cluster)}` : '',
    engine_prefix: replicated ? 'Replicated' : '',
    deduplication_window: String(layout.deduplicationWindow),
  }
  const filled = text.replaceAll(/\{([a-z_]+)\}/g, (whole, name: string) => values[name] ?? whole)
  return filled
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

export interface AppliedMigration extends MigrationName {
  readonly checksum: string
}

/**
 * What stands between the migrations of this version and those applied: the ones still to apply, and the ones
 * that were applied with another text or that this version does not know.
 */
export function compareMigrations(
  known: readonly AppliedMigration[],
  applied: readonly AppliedMigration[],
): { missing: AppliedMigration[]; changed: AppliedMigration[]; unknown: AppliedMigration[] } {
  const checksums = new Map(applied.map(({ number, checksum }) => [number, checksum]))
  const numbers = new Set(known.map(({ number }) => number))
  return {
    missing: known.filter(({ number }) => !checksums.has(number)),
    changed: known.filter(({ number, checksum }) => {
      const other = checksums.get(number)
      return other !== undefined && other !== checksum
    }),
    unknown: applied.filter(({ number }) => !numbers.has(number)),
  }
}
