// A private stack behind proxies that fail on demand. Each run gets its own broker data, ERP database and ClickHouse
// database, so that runs over the same ids are comparable to the byte; the registry and the tables of all runs stay.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { installRoot } from '../../infra/local/config'
import { erpAdminAccess } from '../../infra/local/erp/erp'
import { startFaultProxy, type FaultProxy } from '../../infra/local/fault-proxy'
import type { PartName } from '../../infra/local/part'
import { describeDeath } from '../../infra/local/run-part'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { applyMigrations } from '../../services/clickhouse-writer/migrations'
import { TrytonRpc } from '../../services/erp-sink/tryton-rpc'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { connectRegistry } from '../../services/runtime/codec'
import { createKafka } from '../../services/runtime/kafka'
import { createLogger } from '../../services/runtime/logger'
import { provision } from '../../services/runtime/provision'
import { freePorts, type DemoPorts } from '../evening/ports'
import { readOrMakeSecrets, type DemoSecrets } from '../evening/secrets'
import { startLine, type Line } from './line'

const partitions = 4

export interface Installation {
  readonly stack: RunningStack
  readonly kafka: FaultProxy
  readonly registry: Line
  readonly clickhouse: Line
  readonly erp: Line
  readonly ports: DemoPorts
  readonly secrets: DemoSecrets
  readonly dataDirectory: string
  /** Ends every fault of every proxy. */
  mend(): Promise<void>
  close(): Promise<void>
}

/** One run's ground: everything in it is new. */
export interface Ground {
  readonly warehouse: Warehouse
  /** Asks the ERP itself, past the proxies. */
  readonly erp: TrytonRpc
  readonly dataDirectory: string
  close(): Promise<void>
}

export async function openInstallation(options: {
  readonly dataDirectory: string
  readonly progress: (line: string) => void
}): Promise<Installation> {
  const { dataDirectory, progress } = options
  const stack = await startStack({
    ...{ dataDirectory, ports: 'free', progress },
    onPartDied: (death) => {
      progress(describeDeath(death))
    },
  })
  const { ports } = stack
  const kafka = await startFaultProxy({
    upstream: { host: '127.0.0.1', port: ports.kafka },
    protocol: 'kafka',
  })
  const lines = {
    registry: await startLine(ports.registry),
    clickhouse: await startLine(ports.clickhouse),
    erp: await startLine(ports.erp),
  }
  return {
    ...{ stack, kafka, ...lines, dataDirectory },
    ports: await freePorts(),
    secrets: readOrMakeSecrets(join(dataDirectory, 'secrets.json')),
    async mend() {
      await kafka.pass()
      for (const line of Object.values(lines)) await line.mend()
    },
    async close() {
      await kafka.close()
      for (const line of Object.values(lines)) await line.close()
      await stack.stop()
    },
  }
}

/** Prepares a run: `database` must be new. The parts are emptied unless they were never used. */
export async function breakGround(
  installation: Installation,
  options: { readonly database: string; readonly used: boolean },
): Promise<Ground> {
  const { stack } = installation
  const { database, used } = options
  const dataDirectory = join(installation.dataDirectory, database)
  await installation.mend()
  if (used) await Promise.all((['kafka', 'erp'] as const).map((part) => empty(installation, part)))
  const warehouse = connectWarehouse({
    ...{ url: stack.clickhouseUrl, database, user: 'default', password: '' },
    timeoutMs: 30_000,
  })
  await Promise.all([
    applyMigrations(warehouse, { database, cluster: '', deduplicationWindow: 10_000 }),
    makeTopics(stack),
  ])
  const {
    url,
    database: erpDatabase,
    user,
    password,
  } = erpAdminAccess(join(installRoot(), 'erp'), stack.ports.erp)
  const erp = new TrytonRpc(
    { url, database: erpDatabase, user, password, path: '/', timeoutMs: 60_000 },
    { now: Date.now, called: () => undefined },
  )
  return { warehouse, erp, dataDirectory, close: () => warehouse.close() }
}

async function empty({ stack, dataDirectory }: Installation, part: PartName): Promise<void> {
  await stack.killPart(part)
  rmSync(join(dataDirectory, part), { recursive: true, force: true })
  await stack.startPart(part)
}

async function makeTopics(stack: RunningStack): Promise<void> {
  const kafka = createKafka({
    brokers: stack.brokers,
    clientId: 'chaos',
    logger: createLogger('chaos', 'silent'),
  })
  const admin = await kafka.connectAdmin()
  const registry = connectRegistry(stack.registryUrl)
  await provision({ admin, registry, prefix: '', partitions })
  await admin.close()
}
