// A throw-away installation to measure on: a stack with free ports, provisioned, and services as processes whose costs
// can be read. The broker compiles fully, as it would anywhere but in tests.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { installRoot } from '../../infra/local/config'
import type { PartName } from '../../infra/local/part'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { applyMigrations } from '../../services/clickhouse-writer/migrations'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { connectRegistry, type SchemaDirectory } from '../../services/runtime/codec'
import { createKafka, type KafkaClient } from '../../services/runtime/kafka'
import { createLogger } from '../../services/runtime/logger'
import { provision } from '../../services/runtime/provision'
import { ServiceRun } from './service-run'

export const partitions = 4
export const database = 'tributary'

export interface Site {
  readonly stack: RunningStack
  readonly kafka: KafkaClient
  /** Files of this site; gone with it. */
  readonly directory: string
  /** Of a topic's records, as the broker keeps them. */
  logBytes(topic: string): number
  /** Topics and schemas under a prefix, for one round among several. */
  provision(prefix: string): Promise<void>
  /** An empty warehouse of this version. */
  migrate(name?: string): Promise<Warehouse>
  registryOf(prefix: string): SchemaDirectory
  /** Starts a service; ended with the site at the latest. */
  launch(service: string, environment: Readonly<Record<string, string>>): ServiceRun
}

/** Runs `work` on an installation of its own, and removes it whatever happens. */
export async function onSite<T>(
  parts: readonly PartName[],
  work: (site: Site) => Promise<T>,
): Promise<T> {
  process.env['TRIBUTARY_KAFKA_JIT'] ??= 'full'
  mkdirSync(installRoot(), { recursive: true })
  const directory = mkdtempSync(join(installRoot(), 'bench-'))
  const dataDirectory = join(directory, 'stack')
  const stack = await startStack({ dataDirectory, ports: 'free', parts })
  const runs: ServiceRun[] = []
  const warehouses: Warehouse[] = []
  try {
    const logger = createLogger('bench', 'error')
    const kafka = createKafka({ brokers: stack.brokers, clientId: 'bench', logger })
    const registryOf = (prefix: string): SchemaDirectory =>
      connectRegistry(stack.registryUrl, prefix)
    return await work({
      ...{ stack, kafka, registryOf, directory },
      logBytes: (topic) => logBytes(join(dataDirectory, 'kafka', 'data'), topic),
      provision: async (prefix) => {
        const admin = await kafka.connectAdmin()
        await provision({ admin, registry: registryOf(prefix), prefix, partitions })
        await admin.close()
      },
      migrate: async (name = database) => {
        const warehouse = connectWarehouse({
          ...{ url: stack.clickhouseUrl, database: name, user: 'default', password: '' },
          timeoutMs: 600_000,
        })
        warehouses.push(warehouse)
        await applyMigrations(warehouse, {
          database: name,
          cluster: '',
          deduplicationWindow: 1_000,
        })
        return warehouse
      },
      launch: (service, environment) => {
        const run = new ServiceRun(service, {
          KAFKA_BROKERS: stack.brokers.join(','),
          REGISTRY_URL: stack.registryUrl,
          ...environment,
        })
        runs.push(run)
        return run
      },
    })
  } finally {
    await Promise.all(runs.map((run) => run.stop()))
    await Promise.all(warehouses.map((warehouse) => warehouse.close()))
    await stack.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

function logBytes(directory: string, topic: string): number {
  return readdirSync(directory)
    .filter((name) => name.slice(0, name.lastIndexOf('-')) === topic)
    .flatMap((name) =>
      readdirSync(join(directory, name)).map((file) => join(directory, name, file)),
    )
    .filter((file) => file.endsWith('.log'))
    .reduce((bytes, file) => bytes + statSync(file).size, 0)
}
