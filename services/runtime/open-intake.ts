// Opens what an edge needs to make records durable: the schema's id, the topic's partition count, a producer.
import type { Topic, ValueOf } from '../core/topics'
import { SetupError } from './errors'
import { createIntake, type Intake } from './intake'
import type { KafkaClient } from './kafka'
import { coalesce } from './kafka-coalescing'
import type { Service } from './lifecycle'
import { retry } from './retry'
import { kafkaFrom, registryFrom, type KafkaConfig } from './transport'

export interface IntakeSettings extends KafkaConfig {
  readonly PRODUCE_TIMEOUT_MS: number
  readonly FLUSH_MS: number
  readonly QUEUE_BYTES_MAX: number
}

/** Records in one produce: some 200 KB, acknowledged in a few milliseconds. */
const sendRecordsMax = 1_000
/** A client waits for PRODUCE_TIMEOUT_MS at most; a broker that has not answered by then is asked anew. */
const producerRetries = 2

/**
 * Waits for Kafka and the registry, then opens the way into `topic`. Closed with the service, what waits sent first.
 * @throws SetupError when topic or schema are missing
 */
export async function openIntake<T extends Topic>(
  service: Service,
  config: IntakeSettings,
  { topic, keyOf }: { readonly topic: T; readonly keyOf: (value: ValueOf<T>) => string },
): Promise<Intake<ValueOf<T>>> {
  const { health, metrics } = service
  const name = config.TOPIC_PREFIX + topic.name
  const kafka = kafkaFrom(config, service)
  const registry = registryFrom(config)
  const codec = await retry(() => registry.topicCodec(topic), { health })
  const partitions = await retry(() => countPartitions(kafka, name), { health })
  const plain = await retry(
    () => kafka.connectProducer({ requestMs: config.PRODUCE_TIMEOUT_MS, retries: producerRetries }),
    { health },
  )
  const producer = coalesce(plain, {
    flushMs: config.FLUSH_MS,
    queueBytesMax: config.QUEUE_BYTES_MAX,
    sendRecordsMax,
  })
  service.onStop(() => producer.close())
  return createIntake({
    topic: name,
    partitions,
    keyOf,
    codec,
    producer,
    timeoutMs: config.PRODUCE_TIMEOUT_MS,
    health,
    metrics,
  })
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
