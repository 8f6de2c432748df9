// What the manifests tell the services, given to the services' own rules.
import { posix } from 'node:path'
import type { z } from 'zod'
import {
  migrateSettings,
  userSettings,
  writerSettings,
} from '../../services/clickhouse-writer/config'
import { collectorSettings } from '../../services/collector/config'
import { sinkSettings } from '../../services/erp-sink/config'
import { trainerSettings } from '../../services/model-trainer/config'
import { gatewaySettings } from '../../services/order-gateway/config'
import { edgeSettings } from '../../services/runtime/edge-settings'
import { kafkaSettings, limit, loadConfig, serviceSettings } from '../../services/runtime/config'
import { streamProcessorSettings } from '../../services/stream-processor/config'
import { services, settingsMaps, workloads, type Workload } from '../support/manifests'

const shapes: Readonly<Record<string, z.ZodRawShape>> = {
  collector: { ...serviceSettings, ...collectorSettings },
  'order-gateway': { ...serviceSettings, ...gatewaySettings },
  'stream-processor': { ...serviceSettings, ...streamProcessorSettings },
  'clickhouse-writer': { ...serviceSettings, ...writerSettings },
  'erp-sink': { ...serviceSettings, ...sinkSettings },
  'model-trainer': { ...serviceSettings, ...trainerSettings },
  provision: { ...kafkaSettings, PARTITIONS: limit(4) },
  migrate: userSettings,
  operator: {
    ...kafkaSettings,
    ...migrateSettings,
    IDENTIFIER_HASH_KEY: edgeSettings.IDENTIFIER_HASH_KEY,
  },
}

const key = Buffer.alloc(32).toString('base64')
/** What an operator's Secret might hold. */
const secrets: Readonly<Record<string, string>> = {
  IDENTIFIER_HASH_KEY: key,
  SEAL_KEYS: JSON.stringify({ 'key-1': key }),
  COLLECTOR_SOURCES: JSON.stringify([{ name: 'web', keys: ['a-key-of-16-chars'] }]),
  ORDER_GATEWAY_SOURCES: JSON.stringify([
    { name: 'douyin', secrets: ['a-secret-of-16-chars'], platform: 'douyin', shops: ['S1'] },
  ]),
  ERP_PASSWORD: 'an-erp-password',
  CLICKHOUSE_WRITER_PASSWORD: 'a-writer-password',
  CLICKHOUSE_LEDGER_PASSWORD: 'a-ledger-password',
  CLICKHOUSE_OWNER_PASSWORD: 'an-owner-password',
  CLICKHOUSE_READER_PASSWORD: 'a-reader-password',
}

const maps = settingsMaps()
const containerOf = ({ spec }: Workload): Workload['spec']['template']['spec']['containers'][0] =>
  spec.template.spec.containers[0]
const named = workloads().map((workload) => [workload.metadata.name, workload] as const)
const serving = services().map((workload) => [workload.metadata.name, workload] as const)

/** As the container would find it; without the Secret of logins, which may be missing. */
function environmentOf(workload: Workload): Record<string, string> {
  const { envFrom, env = [] } = containerOf(workload)
  const fromMaps = envFrom.flatMap(({ configMapRef }) => {
    if (configMapRef === undefined) return []
    const map = maps.get(configMapRef.name)
    if (map === undefined) throw new Error(`no ConfigMap ${configMapRef.name}`)
    return Object.entries(map)
  })
  const own = env.flatMap(({ name, value, valueFrom }) => {
    const reference = valueFrom?.secretKeyRef
    const found = reference === undefined ? value : secrets[reference.key]
    if (found !== undefined) return [[name, found] as const]
    if (reference?.optional === true) return []
    throw new Error(`${name}: no ${reference?.key ?? 'value'} in the Secret`)
  })
  return Object.fromEntries([...fromMaps, ...own])
}

function shapeOf(workload: Workload): z.ZodRawShape {
  return shapes[containerOf(workload).name] ?? {}
}

function configOf(workload: Workload): Record<string, unknown> {
  return loadConfig(shapeOf(workload), environmentOf(workload))
}

test.each(named)('%s is told nothing it does not know, and all it needs', (_name, workload) => {
  const names = [
    ...Object.keys(environmentOf(workload)),
    ...(containerOf(workload).env ?? []).map(({ name }) => name),
  ]
  expect(names.filter((name) => !(name in shapeOf(workload)))).toEqual([])
  expect(() => configOf(workload)).not.toThrow()
})

test('every ConfigMap is of use to somebody', () => {
  const used = named.flatMap(([, workload]) =>
    containerOf(workload).envFrom.map(({ configMapRef }) => configMapRef?.name),
  )
  expect([...maps.keys()].filter((name) => !used.includes(name))).toEqual([])
})

test.each(serving)('%s listens where others look for it', (_name, workload) => {
  const { HOST, PORT, OPERATIONS_PORT } = configOf(workload)
  const ports = containerOf(workload).ports ?? []
  expect(HOST).toBe('0.0.0.0')
  expect(Object.fromEntries(ports.map((port) => [port.name, port.containerPort]))).toEqual({
    operations: OPERATIONS_PORT,
    ...(PORT === undefined ? {} : { http: PORT }),
  })
})

test.each(serving)('%s is given the time to stop that it takes', (_name, workload) => {
  const pauseSeconds = containerOf(workload).lifecycle?.preStop.sleep.seconds ?? 0
  const { SHUTDOWN_MS, ERP_TIMEOUT_MS } = configOf(workload)
  const shutdownMs = Number(SHUTDOWN_MS)
  const graceSeconds = workload.spec.template.spec.terminationGracePeriodSeconds
  expect(graceSeconds).toBeGreaterThanOrEqual(pauseSeconds + shutdownMs / 1000 + 5)
  if (ERP_TIMEOUT_MS !== undefined) expect(shutdownMs).toBeGreaterThan(Number(ERP_TIMEOUT_MS))
})

test.each([
  ['collector', 'SPOOL_DIRECTORY'],
  ['order-gateway', 'SPOOL_DIRECTORY'],
  ['stream-processor', 'STATE_DIRECTORY'],
])('%s keeps its %s below the top of a volume of its own', (service, setting) => {
  const workload = workloads().find(({ metadata }) => metadata.name === service)
  if (workload === undefined) throw new Error(`no ${service}`)
  const [claim] = workload.spec.volumeClaimTemplates ?? []
  const mount = containerOf(workload).volumeMounts?.find(
    ({ name }) => name === claim?.metadata.name,
  )
  expect(posix.dirname(String(configOf(workload)[setting]))).toBe(mount?.mountPath)
})

test.each(['collector', 'order-gateway'])('the volume of %s holds a full spool', (service) => {
  const workload = workloads().find(({ metadata }) => metadata.name === service)
  const storage = workload?.spec.volumeClaimTemplates?.[0].spec.resources.requests.storage ?? ''
  const bytes = Number(/^(\d+)Gi$/.exec(storage)?.[1]) * 2 ** 30
  const { SPOOL_BYTES_MAX } = loadConfig({ SPOOL_BYTES_MAX: edgeSettings.SPOOL_BYTES_MAX }, {})
  expect(bytes).toBeGreaterThan(SPOOL_BYTES_MAX)
})

test('one process of all compares the ledger, and it is not scaled', () => {
  const comparing = serving.filter(([, workload]) => {
    const { LEDGER_LOOK_MS } = configOf(workload)
    return LEDGER_LOOK_MS !== undefined && LEDGER_LOOK_MS !== 0
  })
  expect(comparing.map(([name, { spec }]) => [name, spec])).toMatchObject([
    ['clickhouse-writer-ledger', { replicas: 1 }],
  ])
})

test('a table remembers the inserts of a minute of all partitions', () => {
  const { BATCH_WAIT_MS } = loadConfig(
    { BATCH_WAIT_MS: writerSettings.BATCH_WAIT_MS },
    maps.get('clickhouse-writer-settings'),
  )
  const { CLICKHOUSE_DEDUPLICATION_WINDOW } = loadConfig(
    { CLICKHOUSE_DEDUPLICATION_WINDOW: migrateSettings.CLICKHOUSE_DEDUPLICATION_WINDOW },
    maps.get('migrate-settings'),
  )
  const partitions = Number(maps.get('provision-settings')?.PARTITIONS)
  expect(CLICKHOUSE_DEDUPLICATION_WINDOW).toBeGreaterThanOrEqual(
    (partitions * 60_000) / BATCH_WAIT_MS,
  )
})
