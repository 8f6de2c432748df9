// Questions to and orders for the cluster itself: topics, their sizes and where their logs begin and end.
import { ConfigResourceTypes, ConfigSource, type Admin as KafkajsAdmin } from 'kafkajs'
import { asDependency } from './errors'
import { closeClient, cutOnTimeout, type OneClient } from './kafka-client'

export interface TopicSpecification {
  readonly name: string
  readonly partitions: number
  readonly configuration: Readonly<Record<string, string>>
}

export interface PartitionBounds {
  readonly partition: number
  /** First offset still there. */
  readonly low: number
  /** Next offset to be written. */
  readonly high: number
}

export interface KafkaAdmin {
  /** Creates what is missing; what is there is left as it is. @returns the names created */
  createTopics(topics: readonly TopicSpecification[]): Promise<string[]>
  /** Gives topics what their specification says and nobody has set otherwise. @returns the names of those changed */
  completeTopics(topics: readonly TopicSpecification[]): Promise<string[]>
  deleteTopics(names: readonly string[]): Promise<void>
  /** Partition counts; topics that do not exist are absent. */
  partitionCounts(names: readonly string[]): Promise<Map<string, number>>
  bounds(topic: string): Promise<PartitionBounds[]>
  /** Offsets a group has committed on a topic, with their metadata; -1 where it has none. */
  committed(
    groupId: string,
    topic: string,
  ): Promise<{ partition: number; offset: number; metadata: string }[]>
  /** Deletes the records of a topic below the given offsets. */
  deleteRecords(
    topic: string,
    below: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void>
  /** What a topic is configured to, defaults of the cluster included. */
  configurationOf(topic: string): Promise<Readonly<Record<string, string>>>
  clusterId(): Promise<string>
  close(): Promise<void>
}

/** Every method throws a DependencyError when the cluster does not answer. */
export async function createKafkaAdmin(client: OneClient): Promise<KafkaAdmin> {
  const admin = client.kafka.admin()
  cutOnTimeout(admin, client)
  await admin.connect()
  return {
    createTopics: (topics) => asDependency('kafka', () => createMissing(admin, topics)),
    completeTopics: (topics) => asDependency('kafka', () => completeConfigurations(admin, topics)),
    deleteTopics: (names) =>
      asDependency('kafka', () => admin.deleteTopics({ topics: [...names] })),
    partitionCounts: (names) => asDependency('kafka', () => countPartitions(admin, names)),
    bounds: (topic) =>
      asDependency('kafka', async () => {
        const offsets = await admin.fetchTopicOffsets(topic)
        return offsets.map(({ partition, low, high }) => ({
          partition,
          low: Number(low),
          high: Number(high),
        }))
      }),
    committed: (groupId, topic) =>
      asDependency('kafka', async () => {
        const groups = await admin.fetchOffsets({ groupId, topics: [topic] })
        return groups.flatMap(({ partitions }) =>
          partitions.map(({ partition, offset, metadata }) => ({
            partition,
            offset: Number(offset),
            metadata: metadata ?? '',
          })),
        )
      }),
    deleteRecords: (topic, below) =>
      asDependency('kafka', () =>
        admin.deleteTopicRecords({
          topic,
          partitions: below.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
        }),
      ),
    configurationOf: (topic) =>
      asDependency('kafka', async () => {
        const wanted = { type: ConfigResourceTypes.TOPIC, name: topic }
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [wanted],
        })
        const entries = resources[0]?.configEntries ?? []
        return Object.fromEntries(
          entries.map(({ configName, configValue }) => [configName, configValue]),
        )
      }),
    clusterId: () => asDependency('kafka', async () => (await admin.describeCluster()).clusterId),
    close: () => closeClient(() => admin.disconnect(), client),
  }
}

async function createMissing(
  admin: KafkajsAdmin,
  topics: readonly TopicSpecification[],
): Promise<string[]> {
  const existing = new Set(await admin.listTopics())
  const missing = topics.filter(({ name }) => !existing.has(name))
  if (missing.length === 0) return []
  await admin.createTopics({
    waitForLeaders: true,
    topics: missing.map(({ name, partitions, configuration }) => ({
      topic: name,
      numPartitions: partitions,
      configEntries: Object.entries(configuration).map(([key, value]) => ({ name: key, value })),
    })),
  })
  return missing.map(({ name }) => name)
}

/** The broker takes a topic's whole configuration at once: what is set on it goes along. */
async function completeConfigurations(
  admin: KafkajsAdmin,
  topics: readonly TopicSpecification[],
): Promise<string[]> {
  // All of them were just made; kafkajs will not ask about none.
  if (topics.length === 0) return []
  const type = ConfigResourceTypes.TOPIC
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type, name })),
  })
  const lacking = topics.flatMap(({ name, configuration }) => {
    const found = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? []
    const set = found
      .filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG)
      .map(({ configName, configValue }): [string, string] => [configName, configValue])
    const all: Record<string, string> = { ...configuration, ...Object.fromEntries(set) }
    return Object.keys(all).length > set.length ? [{ name, all }] : []
  })
  if (lacking.length === 0) return []
  await admin.alterConfigs({
    validateOnly: false,
    resources: lacking.map(({ name, all }) => ({
      ...{ type, name },
      configEntries: Object.entries(all).map(([key, value]) => ({ name: key, value })),
    })),
  })
  return lacking.map(({ name }) => name)
}

async function countPartitions(
  admin: KafkajsAdmin,
  names: readonly string[],
): Promise<Map<string, number>> {
  const existing = new Set(await admin.listTopics())
  const wanted = names.filter((name) => existing.has(name))
  if (wanted.length === 0) return new Map()
  const { topics } = await admin.fetchTopicMetadata({ topics: wanted })
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
}
