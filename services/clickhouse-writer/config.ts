// What the writer and the migrate command can be told from outside.
import { z } from 'zod'
import type { WarehouseLayout } from '../core/warehouse/migration'
import { groupSettings, kafkaSettings, limit } from '../runtime/config'
import { ledgerSettings } from '../runtime/ledger'
import { warehouseSettings } from '../runtime/warehouse-settings'
import type { RolePasswords } from './users'

/** For the migrate command. */
export const migrateSettings = {
  ...warehouseSettings,
  CLICKHOUSE_CLUSTER: z
    .string()
    .default('')
    .describe('Cluster to create replicated tables on; empty for one server'),
  CLICKHOUSE_DEDUPLICATION_WINDOW: limit(10_000).describe(
    'Inserts per table that are remembered; more than all writers make while one of them may hang',
  ),
}

function rolePassword(of: string): z.ZodOptional<z.ZodString> {
  return z
    .string()
    .min(12, { error: 'must have at least 12 characters' })
    .optional()
    .describe(`Password to give the user of ${of}; without one the user is left as it is`)
}

/** For the migrate command with --users. */
export const userSettings = {
  ...migrateSettings,
  CLICKHOUSE_OWNER_PASSWORD: rolePassword('migrations and deletion'),
  CLICKHOUSE_WRITER_PASSWORD: rolePassword('the clickhouse-writer'),
  CLICKHOUSE_LEDGER_PASSWORD: rolePassword('the other services'),
  CLICKHOUSE_READER_PASSWORD: rolePassword('dashboards and people'),
}

export const writerSettings = {
  ...kafkaSettings,
  ...groupSettings,
  ...warehouseSettings,
  CONSUMER_GROUP: z.string().default('clickhouse-writer').describe('Consumer group'),
  BATCH_ROWS_MAX: limit(20_000, { max: 500_000 }).describe('Most rows in one insert'),
  BATCH_BYTES_MAX: limit(4_194_304, { max: 67_108_864 }).describe(
    'Most bytes in one insert, as the records stand in Kafka',
  ),
  LEDGER_FLUSH_MS: ledgerSettings.LEDGER_FLUSH_MS,
  LEDGER_LOOK_MS: limit(60_000, { min: 0 }).describe(
    'How often the whole ledger is compared, at most a tenth of the time; 0 leaves it to another process',
  ),
  LEDGER_OLDER_THAN_MS: limit(300_000, { min: 0 }).describe(
    'How long a record may be on its way to a station before it counts as missing there',
  ),
  BATCH_WAIT_MS: limit(200, { min: 0 }).describe(
    'Shortest time between two inserts of one topic that people watch, and longest wait of a record for company, in milliseconds',
  ),
  BATCH_WAIT_LONG_MS: limit(1_000, { min: 0 }).describe(
    'The same for what nobody watches by the second: identities, deliveries, findings, the ledger of orders, dead letters',
  ),
}

type Settings<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>

export type WriterConfig = Settings<typeof writerSettings>

export function rolePasswords(config: Settings<typeof userSettings>): RolePasswords {
  return {
    owner: config.CLICKHOUSE_OWNER_PASSWORD,
    writer: config.CLICKHOUSE_WRITER_PASSWORD,
    ledger: config.CLICKHOUSE_LEDGER_PASSWORD,
    reader: config.CLICKHOUSE_READER_PASSWORD,
  }
}

export function warehouseLayout(config: Settings<typeof migrateSettings>): WarehouseLayout {
  return {
    database: config.CLICKHOUSE_DATABASE,
    cluster: config.CLICKHOUSE_CLUSTER,
    deduplicationWindow: config.CLICKHOUSE_DEDUPLICATION_WINDOW,
  }
}
