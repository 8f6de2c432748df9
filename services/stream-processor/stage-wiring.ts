// A stage's topics on a real broker: names, partition counts and codecs, looked up once and checked before
// any record is read.
import { partitionOf } from '../core/partition'
import type { StageMark } from '../core/records'
import { deadLettersTopic, markSubject, type Topic } from '../core/topics'
import type { RecordCodec, SchemaDirectory } from '../runtime/codec'
import { SetupError } from '../runtime/errors'
import type { IncomingRecord, OutgoingRecord } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { AnyStage, Emission, LoopMessage } from './stage-batch'

export interface StageWiring {
  readonly prefix: string
  /** Names on the broker. */
  readonly inputs: readonly string[]
  readonly loop: string | null
  readonly changelog: string
  readonly partitions: number
  readonly stateCodec: RecordCodec<unknown>
  readonly marks: RecordCodec<StageMark>
  /** Fetches the writer schemas of these records that are not known yet. */
  learn(records: readonly IncomingRecord[]): Promise<void>
  decode(record: IncomingRecord): unknown
  catalogueName(topicOnBroker: string): string
  encodeEmission(emission: Emission): OutgoingRecord
  encodeLoop(message: LoopMessage): OutgoingRecord
}

/** @throws SetupError when a topic is missing, a schema unregistered, or partition counts differ */
export async function wireStage(
  stage: AnyStage,
  { admin, registry, prefix }: { admin: KafkaAdmin; registry: SchemaDirectory; prefix: string },
): Promise<StageWiring> {
  const reads = [...stage.reads, ...(stage.loops === null ? [] : [stage.loops])]
  const all = [...new Set([...reads, stage.keeps, ...stage.writes])]
  const partitions = await countPartitions(all, { admin, prefix })
  const codecs = new Map<string, RecordCodec<unknown>>()
  for (const topic of all) {
    codecs.set(prefix + topic.name, await registry.topicCodec(topic))
  }
  const codecOf = (name: string): RecordCodec<unknown> => {
    const codec = codecs.get(name)
    if (codec === undefined) throw new Error(`stage ${stage.name} has no topic ${name}`)
    return codec
  }
  return {
    prefix,
    inputs: reads.map(({ name }) => prefix + name),
    loop: stage.loops === null ? null : prefix + stage.loops.name,
    changelog: prefix + stage.keeps.name,
    partitions,
    stateCodec: codecOf(prefix + stage.keeps.name),
    marks: await registry.codec(markSubject(stage.keeps), 'StageMark'),
    learn: async (records) => {
      for (const topic of new Set(records.map((record) => record.topic))) {
        const values = records.filter((record) => record.topic === topic).map(({ value }) => value)
        await codecOf(topic).learn(values)
      }
    },
    decode: ({ topic, value }): unknown => codecOf(topic).decode(value),
    catalogueName: (name) => name.slice(prefix.length),
    encodeEmission: ({ topic, key, value }) => ({
      topic: prefix + topic.name,
      partition: partitionOf(key, partitions),
      key,
      value: value === null ? null : codecOf(prefix + topic.name).encode(value),
    }),
    encodeLoop: ({ partition, key, value }) => {
      const topic = prefix + (stage.loops?.name ?? '')
      return { topic, partition, key, value: codecOf(topic).encode(value) }
    },
  }
}

async function countPartitions(
  topics: readonly Topic[],
  { admin, prefix }: { admin: KafkaAdmin; prefix: string },
): Promise<number> {
  const names = [...topics.map(({ name }) => prefix + name), prefix + deadLettersTopic.name]
  const counts = await admin.partitionCounts(names)
  const missing = names.filter((name) => !counts.has(name))
  if (missing.length > 0) {
    throw new SetupError(`topics missing: ${missing.join(', ')}: run npm run provision`)
  }
  counts.delete(prefix + deadLettersTopic.name)
  const distinct = new Set(counts.values())
  const [partitions] = distinct
  if (partitions === undefined || distinct.size > 1) {
    const found = [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
    throw new SetupError(`the topics of a stage must have one partition count, found: ${found}`)
  }
  return partitions
}
