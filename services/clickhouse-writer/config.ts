// What the writer and the migrate command can be told from outside.
import { z } from 'zod'
import type { WarehouseLayout } from '../core/warehouse/migration'
import { groupSettings, kafkaSettings, limit } from '../runtime/config'
import { warehouseSettings } from '../runtime/warehouse-settings'

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

export const writerSettings = {
  ...kafkaSettings,
  ...groupSettings,
  ...warehouseSettings,
  CONSUMER_GROUP: z.string().default('clickhouse-writer').describe('Consumer group'),
  BATCH_ROWS_MAX: limit(20_000, { max: 500_000 }).describe('Most rows in one insert'),
  BATCH_BYTES_MAX: limit(4_194_304, { max: 67_108_864 }).describe(
    'Most bytes in one insert, as the records stand in Kafka',
  ),
  BATCH_WAIT_MS: limit(200, { min: 0 }).describe(
    'Shortest time between two inserts of one partition, and longest wait of a record for company, in milliseconds',
  ),
}

type Settings<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>

export type WriterConfig = Settings<typeof writerSettings>

export function warehouseLayout(config: Settings<typeof migrateSettings>): WarehouseLayout {
  return {
    database: config.CLICKHOUSE_DATABASE,
    cluster: config.CLICKHOUSE_CLUSTER,
    deduplicationWindow: config.CLICKHOUSE_DEDUPLICATION_WINDOW,
  }
}
