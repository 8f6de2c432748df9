// Everything there is, real and of its own: stack, topics, tables and the five services, each file of it below one
// directory, so that a test can say what is in no file at all.
import { serviceNames, type ServiceName } from '../../scripts/evening/company'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { applyMigrations } from '../../services/clickhouse-writer/migrations'
import { signatureOf } from '../../services/order-gateway/signature'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { topicSpecifications } from '../../services/runtime/provision'
import { TestBroker } from './broker'
import { ServiceProcess } from './service-process'

const writeKey = 'landing-write-key'
const secret = 'a-secret-of-16-chars'
const database = 'tributary'

export interface WholeInstallation {
  readonly directory: string
  readonly stack: RunningStack
  readonly broker: TestBroker
  readonly warehouse: Warehouse
  readonly services: ReadonlyMap<ServiceName, ServiceProcess>
  /** What commands are told of it. */
  readonly environment: Readonly<Record<string, string>>
  collect(event: object): Promise<Response>
  pixel(query: Readonly<Record<string, string>>): Promise<Response>
  order(order: object): Promise<Response>
  /** Every topic is from now on as if days were seconds. */
  hasten(): Promise<void>
  /** Files below the directory that hold one of the texts. */
  filesWith(texts: readonly string[]): string[]
  close(): Promise<void>
}

/** @param hashKey of the identifiers */
export async function openWholeInstallation(hashKey: Buffer): Promise<WholeInstallation> {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-whole-'))
  const stack = await startStack({
    dataDirectory: join(directory, 'stack'),
    ports: 'free',
    // A broker that looks after its files every second.
    kafkaProperties: {
      'log.retention.check.interval.ms': '1000',
      'log.initial.task.delay.ms': '1000',
      'log.cleaner.backoff.ms': '1000',
    },
  })
  try {
    return await install({ directory, stack, hashKey })
  } catch (error) {
    await stack.stop()
    throw error
  }
}

interface Ground {
  readonly directory: string
  readonly stack: RunningStack
  readonly hashKey: Buffer
}

async function install({ directory, stack, hashKey }: Ground): Promise<WholeInstallation> {
  const broker = await new TestBroker(stack).open()
  const warehouse = connectWarehouse({
    ...{ url: stack.clickhouseUrl, database, user: 'default', password: '' },
    timeoutMs: 30_000,
  })
  await applyMigrations(warehouse, { database, cluster: '', deduplicationWindow: 1_000 })
  await hastenCleanUp(stack, warehouse)
  const environment = {
    ...broker.environment(),
    CLICKHOUSE_URL: stack.clickhouseUrl,
    CLICKHOUSE_DATABASE: database,
    IDENTIFIER_HASH_KEY: hashKey.toString('base64'),
  }
  const own = environmentsOf(directory, stack)
  const services = new Map(
    serviceNames.map((name) => [name, new ServiceProcess(name, { ...environment, ...own[name] })]),
  )
  for (const service of services.values()) await service.start()
  const urlOf = (name: ServiceName, path: string): string =>
    `http://127.0.0.1:${/"port":(\d+)/.exec(services.get(name)?.output() ?? '')?.[1] ?? ''}${path}`
  return {
    ...{ directory, stack, broker, warehouse, services, environment },
    collect: (event) =>
      fetch(urlOf('collector', '/collect'), {
        method: 'POST',
        headers: { 'x-write-key': writeKey },
        body: JSON.stringify(event),
      }),
    pixel: (query) =>
      fetch(
        urlOf(
          'collector',
          `/p.gif?${new URLSearchParams({ write_key: writeKey, ...query }).toString()}`,
        ),
      ),
    order: (order) => sendOrder(urlOf('order-gateway', '/orders/main'), order),
    hasten: () => hasten(broker, stack.brokers),
    filesWith: (texts) => filesWith(directory, texts),
    async close() {
      for (const service of services.values()) await service.stop('SIGKILL')
      await warehouse.close()
      await broker.close()
      await stack.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function environmentsOf(
  directory: string,
  { erp }: RunningStack,
): Readonly<Record<ServiceName, Record<string, string>>> {
  const keys = JSON.stringify({ k1: Buffer.alloc(32, 8).toString('base64') })
  const edge = { PORT: '0', SPOOL_DIRECTORY: join(directory, 'spool') }
  const web = { name: 'web', keys: [writeKey], channel: 'web.page', app: 'mini' }
  const main = { name: 'main', secrets: [secret], platform: 'douyin', shops: ['S1'] }
  return {
    collector: { ...edge, SOURCES: JSON.stringify([web]) },
    'order-gateway': {
      ...edge,
      ...{ SOURCES: JSON.stringify([main]), SEAL_KEYS: keys, SEAL_KEY_ID: 'k1' },
    },
    'stream-processor': {
      ...{ STATE_DIRECTORY: join(directory, 'state'), SESSION_TIMEOUT_MS: '6000' },
      ...{ HOUSEKEEPING_MS: '200', PURGE_INTERVAL_MS: '500' },
    },
    'clickhouse-writer': { SESSION_TIMEOUT_MS: '6000', LEDGER_FLUSH_MS: '500' },
    'erp-sink': {
      ...{ ERP_URL: erp.url, ERP_DATABASE: erp.database, ERP_USER: erp.user },
      ...{ ERP_PASSWORD: erp.password, SEAL_KEYS: keys, SESSION_TIMEOUT_MS: '6000' },
      ...{ SETTLE_MS: '500', STOCK_FLUSH_MS: '1000' },
    },
  }
}

function sendOrder(url: string, order: object): Promise<Response> {
  const body = JSON.stringify(order)
  const at = Math.floor(Date.now() / 1_000)
  const signature = signatureOf(secret, at, Buffer.from(body)).toString('hex')
  return fetch(url, {
    method: 'POST',
    headers: { 'x-tributary-signature': `t=${at},v1=${signature}` },
    body,
  })
}

/** ClickHouse removes files minutes after nobody needs them: here within seconds. It reads that when it starts. */
async function hastenCleanUp(stack: RunningStack, warehouse: Warehouse): Promise<void> {
  const tables = await warehouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = '${database}' AND engine LIKE '%MergeTree'`,
  )
  for (const { name } of tables) {
    await warehouse.command(
      `ALTER TABLE ${database}.${name} MODIFY SETTING old_parts_lifetime = 1,
         cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 1`,
    )
  }
  await stack.stopPart('clickhouse')
  await stack.startPart('clickhouse')
}

async function hasten(
  { prefix, partitions }: TestBroker,
  brokers: readonly string[],
): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const seconds = {
    'segment.ms': '2000',
    'file.delete.delay.ms': '100',
    'max.compaction.lag.ms': '2000',
    'delete.retention.ms': '100',
    'min.cleanable.dirty.ratio': '0.01',
  }
  await admin.alterConfigs({
    validateOnly: false,
    resources: topicSpecifications({ prefix, partitions }).map(({ name, configuration }) => ({
      type: ConfigResourceTypes.TOPIC,
      name,
      configEntries: Object.entries({
        ...configuration,
        ...seconds,
        'retention.ms': configuration['retention.ms'] === '-1' ? '-1' : '5000',
      }).map(([key, value]) => ({ name: key, value })),
    })),
  })
  await admin.disconnect()
}

/** Also as base64, in which ClickHouse shows bytes, and in halves, since packed text may be cut. */
function filesWith(directory: string, texts: readonly string[]): string[] {
  const patterns = join(directory, 'patterns')
  writeFileSync(patterns, texts.flatMap(spellings).join('\n'))
  try {
    const found = execFileSync('grep', ['-rlaF', '-f', patterns, directory], {
      env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' },
      maxBuffer: 64 * 1_048_576,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return String(found)
      .split('\n')
      .filter((file) => file !== '' && file !== patterns)
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: Buffer }
    // 1: nothing; 2: a file went away while it was being looked for.
    if (status === 1) return []
    return String(stdout)
      .split('\n')
      .filter((file) => file !== '' && file !== patterns)
  }
}

function spellings(text: string): string[] {
  const bytes = Buffer.from(text)
  const half = text.length > 20 ? text.length >> 1 : text.length
  const inBase64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // Letters that also hold bits of what stands before and after are left out.
    return whole.slice(before === 0 ? 0 : 4, Math.floor(((before + bytes.length) * 8) / 6))
  })
  return [text.slice(0, half), ...(half < text.length ? [text.slice(half)] : []), ...inBase64]
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
