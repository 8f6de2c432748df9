// The only door to ClickHouse: @clickhouse/client behind small functions. Every setting an insert's exactness
// rests on is given here, whatever the server's defaults are.
import { ClickHouseError, createClient, type ClickHouseSettings } from '@clickhouse/client'
import { isDataFault } from '../core/warehouse/insert-refusal'
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Row } from '../core/warehouse/row'
import { asDependency, DependencyError } from './errors'

export interface WarehouseOptions {
  readonly url: string
  readonly database: string
  readonly user: string
  readonly password: string
  /** PEM of the authority of an https address; without one, those the system knows. */
  readonly ca?: string | null
  /** Longest wait for one answer; an insert that takes longer has an unknown outcome and is repeated. */
  readonly timeoutMs: number
}

export interface Insert {
  readonly table: string
  readonly rows: readonly Row[]
  /** ClickHouse writes the rows of one token once, here and in every table fed from this one. */
  readonly token: string
}

/** The rows themselves are wrong; nothing was written. Without the server's words, which quote the rows. */
export interface InsertRefusal {
  readonly code: number
  readonly name: string
}

export interface Warehouse {
  readonly database: string
  /** @returns null once written. @throws DependencyError: the rows may or may not have been written then */
  insert(insert: Insert): Promise<InsertRefusal | null>
  /** Rows of a SELECT without FORMAT; `{name:Type}` in it stands for a parameter. Int64 come as numbers.
   * @throws DependencyError */
  query<Result>(sql: string, parameters?: Readonly<Record<string, unknown>>): Promise<Result[]>
  /** A statement without an answer. @throws DependencyError */
  command(sql: string): Promise<void>
  close(): Promise<void>
}

const insertSettings: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  // The roll-ups are asked too, also when the table itself already had the rows: a crash may come between.
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // One block: an insert is written as a whole or not at all.
  input_format_parallel_parsing: 0,
  input_format_skip_unknown_fields: 0,
  input_format_null_as_default: 0,
  date_time_input_format: 'basic',
  wait_end_of_query: 1,
}

export function connectWarehouse(options: WarehouseOptions): Warehouse {
  const { ca = null } = options
  const client = createClient({
    url: options.url,
    username: options.user,
    password: options.password,
    ...(ca === null ? {} : { tls: { ca_cert: Buffer.from(ca) } }),
    application: 'tributary',
    request_timeout: options.timeoutMs,
    max_open_connections: 10,
    compression: { request: false, response: false },
    // The server closes an idle connection after 3 s or 10 s; a stalled event loop must not use it after that.
    keep_alive: { idle_socket_ttl: 2_000, eagerly_destroy_stale_sockets: true },
    log: { level: 127 },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  })
  const qualified = (table: string): string =>
    `${quoteIdentifier(options.database)}.${quoteIdentifier(table)}`
  return {
    database: options.database,
    insert: ({ table, rows, token }) =>
      unlessRefused(() =>
        client.insert({
          table: qualified(table),
          values: rows,
          format: 'JSONEachRow',
          clickhouse_settings: { ...insertSettings, insert_deduplication_token: token },
        }),
      ),
    async query<Result>(
      sql: string,
      parameters: Readonly<Record<string, unknown>> = {},
    ): Promise<Result[]> {
      return asDependency('clickhouse', async () => {
        const result = await client.query({
          query: sql,
          query_params: { ...parameters },
          format: 'JSONEachRow',
        })
        return result.json<Result>()
      })
    },
    async command(sql) {
      await asDependency('clickhouse', () => client.command({ query: sql }))
    },
    close: () => client.close(),
  }
}

async function unlessRefused(insert: () => Promise<unknown>): Promise<InsertRefusal | null> {
  try {
    await insert()
    return null
  } catch (error) {
    if (error instanceof ClickHouseError && isDataFault(Number(error.code))) {
      return { code: Number(error.code), name: error.type ?? '' }
    }
    throw new DependencyError('clickhouse', error)
  }
}
