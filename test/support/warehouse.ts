// A throw-away ClickHouse database per test file.
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { applyMigrations } from '../../services/clickhouse-writer/migrations'
import type { WarehouseLayout } from '../../services/core/warehouse/migration'
import { stackFromEnvironment } from './stack'

export function aDatabase(name: string): WarehouseLayout {
  return { database: `test_${name}_${process.pid}`, cluster: '', deduplicationWindow: 1_000 }
}

/** Connects to a database, which need not exist yet. */
export function connectTo({ database }: WarehouseLayout): Warehouse {
  const { clickhouseUrl: url } = stackFromEnvironment()
  return connectWarehouse({ url, database, user: 'default', password: '', timeoutMs: 10_000 })
}

/** A database of its own with all migrations. */
export async function openWarehouse(name: string): Promise<Warehouse> {
  const layout = aDatabase(name)
  const warehouse = connectTo(layout)
  await applyMigrations(warehouse, layout)
  return warehouse
}

export async function dropWarehouse(warehouse: Warehouse): Promise<void> {
  await warehouse.command(`DROP DATABASE IF EXISTS ${warehouse.database}`)
  await warehouse.close()
}
