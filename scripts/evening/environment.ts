// What each of the five services is told when an evening is played on a local stack.
import { join } from 'node:path'
import type { StackAddresses } from '../../infra/local/stack'
import type { WarehouseRole } from '../../services/core/warehouse/users'
import { sourcesFor } from './clients'
import type { ServiceName } from './company'
import type { DemoPorts } from './ports'
import type { DemoSecrets } from './secrets'

export interface Premises {
  readonly addresses: StackAddresses
  readonly ports: DemoPorts
  readonly secrets: DemoSecrets
  /** Spools and stores lie below it. */
  readonly dataDirectory: string
  /** Of ClickHouse. */
  readonly database: string
  /** Given, services work as ClickHouse users with no more rights than they need. */
  readonly users?: boolean
}

/** The settings of `service`; a further process of it is named by `instance`, for what processes may not share. */
export function environmentOf(
  premises: Premises,
  service: ServiceName,
  instance: string = service,
): Record<string, string> {
  const { addresses, ports, secrets, dataDirectory } = premises
  const { erp } = addresses
  const sources = sourcesFor(secrets)
  const ledger = warehouseLogin(premises, 'ledger')
  const edge = {
    ...ledger,
    IDENTIFIER_HASH_KEY: secrets.identifierHashKey,
    SPOOL_DIRECTORY: join(dataDirectory, 'spool'),
  }
  const state = instance === service ? 'state' : `state-${instance}`
  const own: Readonly<Record<ServiceName, Record<string, string>>> = {
    collector: { ...edge, PORT: String(ports.collector), SOURCES: sources.collector },
    'order-gateway': {
      ...edge,
      ...{ PORT: String(ports.gateway), SOURCES: sources.gateway },
      ...{ SEAL_KEYS: secrets.sealKeys, SEAL_KEY_ID: secrets.sealKeyId },
    },
    'stream-processor': { ...ledger, STATE_DIRECTORY: join(dataDirectory, state) },
    'clickhouse-writer': warehouseLogin(premises, 'writer'),
    'erp-sink': {
      ...ledger,
      ...{ ERP_URL: erp.url, ERP_DATABASE: erp.database, ERP_USER: erp.user },
      ...{ ERP_PASSWORD: erp.password, SEAL_KEYS: secrets.sealKeys },
      // An evening is played in half a minute: what a shop lets settle for 30 s settles in 2 s here.
      ...{ SETTLE_MS: '2000', STOCK_FLUSH_MS: '2000', STOCK_LEVELS_MS: '10000' },
    },
  }
  return {
    KAFKA_BROKERS: addresses.brokers.join(','),
    REGISTRY_URL: addresses.registryUrl,
    SESSION_TIMEOUT_MS: '6000',
    ...own[service],
  }
}

/** How a service reaches ClickHouse. */
export function warehouseLogin(
  { addresses, database, secrets, users = false }: Premises,
  role: WarehouseRole,
): Record<string, string> {
  const url = { CLICKHOUSE_URL: addresses.clickhouseUrl, CLICKHOUSE_DATABASE: database }
  if (!users) return url
  return {
    ...url,
    CLICKHOUSE_USER: `${database}_${role}`,
    CLICKHOUSE_PASSWORD: secrets.warehousePasswords[role],
  }
}
