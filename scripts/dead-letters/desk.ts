// What the dead letters' commands work with: the broker, the registry, and whose decisions they write down.
import { hostname, userInfo } from 'node:os'
import { deadLettersTopic, topics, type Topic } from '../../services/core/topics'
import type { SchemaDirectory } from '../../services/runtime/codec'
import { kafkaSettings, loadConfig } from '../../services/runtime/config'
import { SetupError } from '../../services/runtime/errors'
import type { KafkaClient } from '../../services/runtime/kafka'
import type { KafkaReader } from '../../services/runtime/kafka-reader'
import { createLogger } from '../../services/runtime/logger'
import { kafkaFrom, registryFrom } from '../../services/runtime/transport'
import { addressed } from '../addressed'

export interface Desk {
  readonly kafka: KafkaClient
  readonly reader: KafkaReader
  readonly registry: SchemaDirectory
  readonly prefix: string
  /** Partitions of the topics that share their count. */
  readonly partitions: number
  /** Who decides. */
  readonly by: string
  close(): Promise<void>
}

/** @throws SetupError when settings are wrong or the topics are not there */
export async function openDesk(
  by: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Desk> {
  const config = loadConfig(kafkaSettings, addressed(environment))
  const name = 'dead-letters'
  const kafka = kafkaFrom(config, { name, logger: createLogger(name, 'warn') })
  const registry = registryFrom(config)
  const prefix = config.TOPIC_PREFIX
  const partitions = await countPartitions(kafka, prefix)
  const reader = await kafka.connectReader()
  return {
    ...{ kafka, reader, registry, prefix, partitions },
    by: by ?? `${userInfo().username}@${hostname()}`,
    close: () => reader.close(),
  }
}

/** The topic of the catalogue that a name on the broker means. */
export function topicCalled(name: string, { prefix }: Pick<Desk, 'prefix'>): Topic | null {
  const all: readonly Topic[] = Object.values(topics)
  return all.find((topic) => prefix + topic.name === name) ?? null
}

async function countPartitions(kafka: KafkaClient, prefix: string): Promise<number> {
  const names = [deadLettersTopic, topics.deadLetterOutcomes, topics.orders].map(
    (topic) => prefix + topic.name,
  )
  const admin = await kafka.connectAdmin()
  const counts = await admin.partitionCounts(names).finally(() => admin.close())
  const missing = names.filter((name) => !counts.has(name))
  if (missing.length > 0) {
    throw new SetupError(`no topic ${missing.join(', ')}: run npm run provision`)
  }
  return counts.get(prefix + topics.orders.name) ?? 0
}
