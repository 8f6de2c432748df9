// How services tell the ledger, and how they reach it where they need nothing else of ClickHouse.
import type { Row } from '../core/warehouse/row'
import { connectWarehouse, type Warehouse } from './clickhouse'
import { limit } from './config'
import { DependencyError } from './errors'
import type { Logger } from './logger'
import { warehouseOptions, warehouseSettings, type WarehouseConfig } from './warehouse-settings'

export const ledgerSettings = {
  ...warehouseSettings,
  CLICKHOUSE_URL: warehouseSettings.CLICKHOUSE_URL.optional().describe(
    'HTTP interface of ClickHouse, for the ledger; without it the ledger does not hear of this service',
  ),
  LEDGER_FLUSH_MS: limit(5_000).describe('How often the ledger is told'),
}

export type LedgerConfig = Omit<WarehouseConfig, 'CLICKHOUSE_URL'> & {
  readonly CLICKHOUSE_URL?: string | undefined
  readonly LEDGER_FLUSH_MS: number
}

/** Nobody waits for the ledger: a slow answer is asked again with the next round. */
const timeoutMs = 5_000

/** Null where the settings name no ClickHouse. */
export function connectLedger(config: LedgerConfig): Warehouse | null {
  const { CLICKHOUSE_URL: url } = config
  if (url === undefined) return null
  return connectWarehouse({ ...warehouseOptions({ ...config, CLICKHOUSE_URL: url }), timeoutMs })
}

/**
 * Writes rows by table, in order. They are absolute, so that written twice they count once.
 * @throws DependencyError: they may or may not have been written
 */
export async function tellLedger(
  warehouse: Pick<Warehouse, 'insert'>,
  rows: Readonly<Record<string, readonly Row[]>>,
  token = '',
): Promise<void> {
  for (const [table, ofTable] of Object.entries(rows)) {
    if (ofTable.length === 0) continue
    const refusal = await warehouse.insert({ table, rows: ofTable, token })
    if (refusal !== null) throw new DependencyError('clickhouse', `${table}: ${refusal.name}`)
  }
}

/**
 * The same action, which says false instead of failing while a dependency is away. Said in the log once: no service
 * is unready for the ledger's sake.
 */
export function tolerant(
  action: () => Promise<void>,
  { logger, part }: { readonly logger: Logger; readonly part: string },
): () => Promise<boolean> {
  let away = false
  return async () => {
    try {
      await action()
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error
      if (!away) logger.warn({ part, reason: error.message }, 'not told, trying again')
      away = true
      return false
    }
    if (away) logger.info({ part }, 'recovered')
    away = false
    return true
  }
}
