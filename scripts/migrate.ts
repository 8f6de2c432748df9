// Brings ClickHouse to the shape this version writes: `npm run migrate`; with `-- --users` also roles and users to the
// rights this version needs. Repeating it changes nothing.
import { parseArgs } from 'node:util'
import { connectWarehouse } from '../services/runtime/clickhouse'
import { rolePasswords, userSettings, warehouseLayout } from '../services/clickhouse-writer/config'
import { applyMigrations } from '../services/clickhouse-writer/migrations'
import { applyUsers } from '../services/clickhouse-writer/users'
import { loadConfig } from '../services/runtime/config'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { warehouseOptions } from '../services/runtime/warehouse-settings'
import { addressed } from './addressed'

async function migrate(): Promise<void> {
  const { values } = parseArgs({ options: { users: { type: 'boolean', default: false } } })
  const config = loadConfig(userSettings, addressed())
  const layout = warehouseLayout(config)
  const warehouse = connectWarehouse(warehouseOptions(config))
  try {
    const applied = await applyMigrations(warehouse, layout)
    console.log(applied.length === 0 ? 'nothing to apply' : applied.join('\n'))
    if (values.users) {
      const users = await applyUsers(warehouse, layout, rolePasswords(config))
      console.log(
        `roles are up to date; users: ${users.join(', ') || 'none, no password is given'}`,
      )
    }
  } finally {
    await warehouse.close()
  }
}

migrate().catch((error: unknown) => {
  const known = error instanceof SetupError || error instanceof DependencyError
  console.error(known ? error.message : error)
  process.exitCode = 1
})
