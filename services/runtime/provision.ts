// What a deployment needs before any service starts: every topic of the catalogue and every schema of this
// version. Repeating it changes nothing.
import { deadLettersTopic, markSubject, topics, type Topic } from '../core/topics'
import type { SchemaDirectory } from './codec'
import { SetupError } from './errors'
import type { KafkaAdmin, TopicSpecification } from './kafka-admin'

export interface ProvisionOptions {
  readonly admin: KafkaAdmin
  readonly registry: SchemaDirectory
  readonly prefix: string
  /** Count of the co-partitioned topics; chosen once and never changed. */
  readonly partitions: number
}

export interface Provisioned {
  readonly created: readonly string[]
  /** Topics of an earlier version that were given settings they lacked. */
  readonly completed: readonly string[]
  readonly subjects: readonly string[]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const weekMs = 7 * dayMs
const messageBytesMax = 8 * 1_048_576
/** What a foreign producer wrote may be as large as the broker lets it, and a letter is larger by its headers. */
const letterBytesMax = 4 * messageBytesMax
/** Largest value of any topic but the dead letters': an order's version carries its credits and those before. */
export const recordBytesMax = messageBytesMax - 65_536

/** @throws SetupError when a topic has another partition count, or a schema is not compatible */
export async function provision(options: ProvisionOptions): Promise<Provisioned> {
  const { admin, registry, prefix } = options
  const specifications = topicSpecifications(options)
  const counts = await admin.partitionCounts(specifications.map(({ name }) => name))
  for (const { name, partitions } of specifications) {
    const found = counts.get(name)
    if (found !== undefined && found !== partitions) {
      throw new SetupError(
        `topic ${name} has ${found} partitions, not ${partitions}: the count cannot be changed`,
      )
    }
  }
  const created = await admin.createTopics(specifications)
  const completed = await admin.completeTopics(
    specifications.filter(({ name }) => !created.includes(name)),
  )
  const subjects: string[] = []
  for (const topic of Object.values(topics) as Topic[]) {
    await registry.register(`${topic.name}-value`, topic.record)
    subjects.push(`${prefix}${topic.name}-value`)
  }
  for (const changelog of [topics.journeyChangelog, topics.stockChangelog]) {
    await registry.register(markSubject(changelog), 'StageMark')
    subjects.push(prefix + markSubject(changelog))
  }
  return { created, completed, subjects }
}

/** Every topic as an installation of this version has it. */
export function topicSpecifications({
  prefix,
  partitions,
}: Pick<ProvisionOptions, 'prefix' | 'partitions'>): TopicSpecification[] {
  return [...Object.values(topics), deadLettersTopic].map((topic) => ({
    name: prefix + topic.name,
    partitions: topic.partitions === 'shared' ? partitions : 1,
    configuration: {
      'cleanup.policy': topic.cleanup,
      'retention.ms': String(topic.retentionMs ?? -1),
      // Only closed segments are deleted or compacted: what was deleted on request must not wait for a full one.
      'segment.ms': String(topic === topics.journeyFacts ? hourMs : dayMs),
      // By arrival, so that imported history is not deleted as old.
      'message.timestamp.type': 'LogAppendTime',
      // What others send packed the broker unpacks: our client reads gzip only.
      'compression.type': 'uncompressed',
      'max.message.bytes': String(topic === deadLettersTopic ? letterBytesMax : messageBytesMax),
      ...(topic.cleanup === 'compact'
        ? {
            'delete.retention.ms': String(weekMs),
            'min.cleanable.dirty.ratio': '0.2',
            // However little of it is dirty.
            'max.compaction.lag.ms': String(dayMs),
          }
        : {}),
    },
  }))
}
