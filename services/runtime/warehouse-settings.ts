// How services and scripts reach ClickHouse.
import { z } from 'zod'
import type { WarehouseOptions } from './clickhouse'
import { limit } from './config'

export const warehouseSettings = {
  CLICKHOUSE_URL: z.url().describe('HTTP interface of ClickHouse'),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .default('tributary')
    .describe('Database of all tables and views'),
  CLICKHOUSE_USER: z.string().default('default').describe('User'),
  CLICKHOUSE_PASSWORD: z.string().optional().describe('Password of that user, where it has one'),
  CLICKHOUSE_TIMEOUT_MS: limit(30_000).describe(
    'Longest wait for one answer of ClickHouse, in milliseconds',
  ),
}

export type WarehouseConfig = z.output<z.ZodObject<typeof warehouseSettings>>

export function warehouseOptions(config: WarehouseConfig): WarehouseOptions {
  return {
    url: config.CLICKHOUSE_URL,
    database: config.CLICKHOUSE_DATABASE,
    user: config.CLICKHOUSE_USER,
    password: config.CLICKHOUSE_PASSWORD ?? '',
    timeoutMs: config.CLICKHOUSE_TIMEOUT_MS,
  }
}
