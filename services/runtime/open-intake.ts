// Opens what an edge needs to make records durable: a spool of its own, and as soon as they answer the schema's
// id, the topic's partition count and a producer. An edge started during an outage takes records all the same.
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { LedgerRecord } from '../core/ledger/tally'
import { topics, type Topic, type ValueOf } from '../core/topics'
import { draftCodec, type SchemaDirectory } from './codec'
import { DependencyError, SetupError } from './errors'
import { tolerating } from './health'
import { createIntake, type Intake } from './intake'
import type { KafkaClient } from './kafka'
import { coalesce } from './kafka-coalescing'
import { connectLedger, type LedgerConfig } from './ledger'
import { createEdgeLedger } from './ledger-edge'
import type { Service } from './lifecycle'
import { connectInTime, type ClosableOutlet } from './late-outlet'
import { createOutlet } from './outlet'
import { retry } from './retry'
import { openSpool } from './spool'
import { createSpoolMetrics } from './spool-metrics'
import { keepSchema, readSchema, schemaName } from './spool-schemas'
import { kafkaFrom, registryFrom, type KafkaConfig } from './transport'

export interface IntakeSettings extends KafkaConfig, LedgerConfig {
  readonly PRODUCE_TIMEOUT_MS: number
  readonly FLUSH_MS: number
  readonly QUEUE_BYTES_MAX: number
  readonly SPOOL_DIRECTORY: string
  readonly SPOOL_BYTES_MAX: number
}

export interface IntakeWay<T extends Topic> {
  readonly topic: T
  readonly keyOf: (value: ValueOf<T>) => string
  /** What the ledger counts of a value; of one kind all. */
  readonly inLedger: (value: ValueOf<T>) => LedgerRecord
}

/** Records in one produce: some 200 KB, acknowledged in a few milliseconds. */
const sendRecordsMax = 1_000
/** A client waits for PRODUCE_TIMEOUT_MS at most; a broker that has not answered by then is asked anew. */
const producerRetries = 2

/**
 * Opens the way into `topic`, waiting for Kafka and the registry no longer than a client would. Closed with the
 * service, what waits sent first.
 * @throws SetupError when topic or schema are missing, or the spool cannot be used
 */
export async function openIntake<T extends Topic>(
  service: Service,
  config: IntakeSettings,
  { topic, keyOf, inLedger }: IntakeWay<T>,
): Promise<Intake<ValueOf<T>>> {
  const { health, metrics, logger } = service
  const name = config.TOPIC_PREFIX + topic.name
  const draft = draftCodec<T['record']>(topic.record)
  const { schema } = draft
  const directory = join(config.SPOOL_DIRECTORY, name)
  const spool = await openSpool({
    directory,
    bytesMax: config.SPOOL_BYTES_MAX,
    metrics: createSpoolMetrics(metrics),
    logger,
    now: Date.now,
  })
  service.onStop(() => spool.close())
  const warehouse = connectLedger(config)
  service.onStop(() => warehouse?.close())
  const ledger = createEdgeLedger({
    warehouse,
    kind: topic.name === topics.orders.name ? 'order' : 'touchpoint',
    flushMs: config.LEDGER_FLUSH_MS,
    spool: `${hostname()}:${resolve(directory)}`,
    waitingSince: () => spool.oldestAt(),
    logger,
    metrics,
    now: Date.now,
  })
  service.onStop(() => ledger.close())
  await keepSchema(directory, schema)
  const registry = registryFrom(config)
  const outlet = await connectInTime(service, config.PRODUCE_TIMEOUT_MS, async () => {
    const ownId = await retry(() => registry.schemaId(topic, schema), {
      health: tolerating(health),
    })
    return connectOutlet(service, config, {
      name,
      schemaIdOf: (found) =>
        found === schemaName(schema)
          ? Promise.resolve(ownId)
          : earlierSchemaId(registry, topic, () => readSchema(directory, found)),
    })
  })
  const intake = createIntake({
    keyOf,
    codec: { ...draft, schema: schemaName(schema) },
    outlet,
    spool,
    ledger: { take: (values) => ledger.take(values.map(inLedger)) },
    timeoutMs: config.PRODUCE_TIMEOUT_MS,
    health,
    metrics,
  })
  service.onStop(() => {
    intake.close()
  })
  return intake
}

async function connectOutlet(
  service: Service,
  config: IntakeSettings,
  { name, schemaIdOf }: { name: string; schemaIdOf: (schema: string) => Promise<number> },
): Promise<ClosableOutlet> {
  const options = { health: tolerating(service.health) }
  const kafka = kafkaFrom(config, service)
  const partitions = await retry(() => countPartitions(kafka, name), options)
  const plain = await retry(
    () => kafka.connectProducer({ requestMs: config.PRODUCE_TIMEOUT_MS, retries: producerRetries }),
    options,
  )
  const producer = coalesce(plain, {
    flushMs: config.FLUSH_MS,
    queueBytesMax: config.QUEUE_BYTES_MAX,
    sendRecordsMax,
  })
  const outlet = createOutlet({ topic: name, partitions, producer, schemaIdOf })
  return { ...outlet, close: () => producer.close() }
}

/** An earlier version's schema that the registry has lost is no reason to stop: its records wait in the spool. */
async function earlierSchemaId(
  registry: SchemaDirectory,
  topic: Topic,
  read: () => Promise<string>,
): Promise<number> {
  try {
    return await registry.schemaId(topic, await read())
  } catch (error) {
    if (error instanceof SetupError) throw new DependencyError('schema registry', error)
    throw error
  }
}

async function countPartitions(kafka: KafkaClient, name: string): Promise<number> {
  const admin = await kafka.connectAdmin()
  try {
    const count = (await admin.partitionCounts([name])).get(name)
    if (count === undefined) throw new SetupError(`no topic ${name}: run npm run provision`)
    return count
  } finally {
    await admin.close()
  }
}
