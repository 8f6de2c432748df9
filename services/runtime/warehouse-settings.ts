// How services and scripts reach ClickHouse.
import { z } from 'zod'
import type { WarehouseOptions } from './clickhouse'
import { certificates, limit } from './config'
import { refuse, superfluous } from './setting-faults'

export const warehouseSettings = {
  CLICKHOUSE_URL: z.url().describe('HTTP interface of ClickHouse'),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .default('tributary')
    .describe('Database of all tables and views'),
  CLICKHOUSE_USER: z.string().default('default').describe('User'),
  CLICKHOUSE_PASSWORD: z
    .string()
    .optional()
    .describe('Password of that user, where it has one; or CLICKHOUSE_PASSWORD_FILE'),
  CLICKHOUSE_CA: certificates().describe(
    'PEM of the authority that signs the certificate of an https address, where the system does not know it; or CLICKHOUSE_CA_FILE',
  ),
  CLICKHOUSE_TIMEOUT_MS: limit(30_000).describe(
    'Longest wait for one answer of ClickHouse, in milliseconds',
  ),
}

export type WarehouseConfig = z.output<z.ZodObject<typeof warehouseSettings>>

/** @throws SetupError when an authority is given that nothing is checked against */
export function warehouseOptions(config: WarehouseConfig): WarehouseOptions {
  const { CLICKHOUSE_URL, CLICKHOUSE_CA } = config
  if (!CLICKHOUSE_URL.startsWith('https:')) {
    refuse(superfluous({ CLICKHOUSE_CA }, 'CLICKHOUSE_URL is not https'))
  }
  return {
    url: config.CLICKHOUSE_URL,
    database: config.CLICKHOUSE_DATABASE,
    user: config.CLICKHOUSE_USER,
    password: config.CLICKHOUSE_PASSWORD ?? '',
    ca: CLICKHOUSE_CA ?? null,
    timeoutMs: config.CLICKHOUSE_TIMEOUT_MS,
  }
}
