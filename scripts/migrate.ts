// Brings ClickHouse to the shape this version writes: `npm run migrate`. Repeating it changes nothing.
import { connectWarehouse } from '../services/runtime/clickhouse'
import { migrateSettings, warehouseLayout } from '../services/clickhouse-writer/config'
import { applyMigrations } from '../services/clickhouse-writer/migrations'
import { loadConfig } from '../services/runtime/config'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { warehouseOptions } from '../services/runtime/warehouse-settings'

async function migrate(): Promise<void> {
  const config = loadConfig(migrateSettings)
  const warehouse = connectWarehouse(warehouseOptions(config))
  try {
    const applied = await applyMigrations(warehouse, warehouseLayout(config))
    console.log(applied.length === 0 ? 'nothing to apply' : applied.join('\n'))
  } finally {
    await warehouse.close()
  }
}

migrate().catch((error: unknown) => {
  const known = error instanceof SetupError || error instanceof DependencyError
  console.error(known ? error.message : error)
  process.exitCode = 1
})
