// Opens what an edge needs to make records durable: a spool of its own, and as soon as they answer the schemas'
// ids, the topics' partition counts and a producer. An edge started during an outage takes records all the same.
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { LedgerKind, LedgerRecord } from '../core/ledger/tally'
import type { Placed, Topic } from '../core/topics'
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
import { createOutlet, type Destination } from './outlet'
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
  /** Where its records may go. The first names the spool. */
  readonly topics: readonly [T, ...T[]]
  readonly kind: LedgerKind
  /** What the ledger counts of a record: all are of `kind`; null for what it does not follow. */
  readonly inLedger: (placed: Placed<T>) => LedgerRecord | null
}

/** Records in one produce: some 200 KB, acknowledged in a few milliseconds. */
const sendRecordsMax = 1_000
/** A client waits for PRODUCE_TIMEOUT_MS at most; a broker that has not answered by then is asked anew. */
const producerRetries = 2

/**
 * Opens the way into the topics, waiting for Kafka and the registry no longer than a client would. Closed with the
 * service, what waits sent first.
 * @throws SetupError when topics or schemas are missing, or the spool cannot be used
 */
export async function openIntake<T extends Topic>(
  service: Service,
  config: IntakeSettings,
  { topics, kind, inLedger }: IntakeWay<T>,
): Promise<Intake<Placed<T>>> {
  const { health, metrics, logger } = service
  const directory = join(config.SPOOL_DIRECTORY, config.TOPIC_PREFIX + topics[0].name)
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
    kind,
    flushMs: config.LEDGER_FLUSH_MS,
    spool: `${hostname()}:${resolve(directory)}`,
    waitingSince: () => spool.oldestAt(),
    logger,
    metrics,
    now: Date.now,
  })
  service.onStop(() => ledger.close())
  const drafts = draftsOf(topics)
  for (const { text } of drafts.values()) await keepSchema(directory, text)
  const outlet = await connectInTime(service, config.PRODUCE_TIMEOUT_MS, () =>
    connectOutlet(service, config, { drafts: [...drafts.values()], directory }),
  )
  const intake = createIntake<Placed<T>>({
    recordOf: ({ topic, key, value }) => {
      const draft = drafts.get(topic.name)
      assert(draft !== undefined, `${topic.name} is none of this edge's topics`)
      return { key, value: draft.encode(value), schema: draft.schema }
    },
    outlet,
    spool,
    ledger: { take: (placed) => ledger.take(placed.map(inLedger)) },
    timeoutMs: config.PRODUCE_TIMEOUT_MS,
    health,
    metrics,
  })
  service.onStop(() => {
    intake.close()
  })
  return intake
}

/** The same intake for what is not placed yet. */
export function placing<Value, T extends Topic>(
  intake: Pick<Intake<Placed<T>>, 'keep'>,
  place: (value: Value) => Placed<T>,
): Pick<Intake<Value>, 'keep'> {
  return { keep: (values) => intake.keep(values.map(place)) }
}

/** How the values of one topic are written by this version. */
interface TopicDraft {
  readonly topic: Topic
  readonly text: string
  /** Name of the schema. */
  readonly schema: string
  readonly encode: (value: unknown) => Buffer
}

function draftsOf(topics: readonly Topic[]): ReadonlyMap<string, TopicDraft> {
  return new Map(
    topics.map((topic) => {
      const { schema: text, encode } = draftCodec(topic.record)
      // `Placed` pairs each topic with values of its own record.
      const ofTopic = encode as TopicDraft['encode']
      return [topic.name, { topic, text, schema: schemaName(text), encode: ofTopic }]
    }),
  )
}

interface Drafted {
  readonly drafts: readonly TopicDraft[]
  /** Holds the schemas of earlier versions. */
  readonly directory: string
}

async function connectOutlet(
  service: Service,
  config: IntakeSettings,
  { drafts, directory }: Drafted,
): Promise<ClosableOutlet> {
  const options = { health: tolerating(service.health) }
  const registry = registryFrom(config)
  const ids = new Map<string, number>()
  for (const { topic, text, schema } of drafts) {
    ids.set(schema, await retry(() => registry.schemaId(topic, text), options))
  }
  const kafka = kafkaFrom(config, service)
  const names = drafts.map(({ topic }) => config.TOPIC_PREFIX + topic.name)
  const counts = await retry(() => countPartitions(kafka, names), options)
  const plain = await retry(
    () => kafka.connectProducer({ requestMs: config.PRODUCE_TIMEOUT_MS, retries: producerRetries }),
    options,
  )
  const producer = coalesce(plain, {
    flushMs: config.FLUSH_MS,
    queueBytesMax: config.QUEUE_BYTES_MAX,
    sendRecordsMax,
  })
  const to = (topic: Topic, schemaId: number): Destination => {
    const name = config.TOPIC_PREFIX + topic.name
    return { topic: name, partitions: counts.get(name) ?? 1, schemaId }
  }
  const outlet = createOutlet({
    producer,
    destinationOf: async (schema) => {
      const own = drafts.find((draft) => draft.schema === schema)
      if (own !== undefined) return to(own.topic, ids.get(schema) ?? 0)
      const earlier = await readSchema(directory, schema)
      const topic = topicOfSchema(earlier, drafts)
      return to(topic, await earlierSchemaId(registry, topic, earlier))
    },
  })
  return { ...outlet, close: () => producer.close() }
}

/** An earlier version's schema is of the same record. */
function topicOfSchema(text: string, drafts: readonly TopicDraft[]): Topic {
  const { name } = JSON.parse(text) as { readonly name?: unknown }
  const found = drafts.find(({ topic }) => topic.record === name)
  if (found !== undefined) return found.topic
  throw new DependencyError('spool', `it holds records of ${String(name)}, which is none of ours`)
}

/** An earlier version's schema that the registry has lost is no reason to stop: its records wait in the spool. */
async function earlierSchemaId(
  registry: SchemaDirectory,
  topic: Topic,
  schema: string,
): Promise<number> {
  try {
    return await registry.schemaId(topic, schema)
  } catch (error) {
    if (error instanceof SetupError) throw new DependencyError('schema registry', error)
    throw error
  }
}

async function countPartitions(
  kafka: KafkaClient,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const admin = await kafka.connectAdmin()
  try {
    const counts = await admin.partitionCounts(names)
    const missing = names.filter((name) => !counts.has(name))
    if (missing.length === 0) return counts
    throw new SetupError(`no topic ${missing.join(', ')}: run npm run provision`)
  } finally {
    await admin.close()
  }
}
