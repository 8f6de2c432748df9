// Publishing a training: one transaction with the whole of it and, for every partition of the stream, a copy of what
// orders are credited by. So no partition ever hears of a version that another will not.
import { trainedModelOf } from '../core/models/train-models'
import type { ModelTraining } from '../core/records'
import { topics } from '../core/topics'
import type { SchemaDirectory } from '../runtime/codec'
import { SetupError } from '../runtime/errors'
import type { KafkaClient, OutgoingRecord } from '../runtime/kafka'
import type { TransactionalProducer } from '../runtime/kafka-producer'

export interface Publishing {
  readonly kafka: KafkaClient
  readonly registry: SchemaDirectory
  readonly prefix: string
}

const transactionTimeoutMs = 60_000

/**
 * Publishing the same trainings again changes nothing: their versions say what they are. The copies are said twice, in the
 * transaction and plainly after it: what ends in the mark of a transaction looks to its readers as if more were to come,
 * and time stands still for a partition that has not read all of its inputs.
 * @throws DependencyError with unknown outcome; SetupError when topics or schemas are missing
 */
export async function publishModels(
  trainings: readonly ModelTraining[],
  { kafka, registry, prefix }: Publishing,
): Promise<void> {
  const { trainedModels, modelTrainings } = topics
  const models = await registry.topicCodec(trainedModels)
  const inFull = await registry.topicCodec(modelTrainings)
  const partitions = await countPartitions(kafka, prefix + trainedModels.name)
  const copies = trainings.flatMap((training): OutgoingRecord[] => {
    const value = models.encode(trainedModelOf(training))
    return Array.from({ length: partitions }, (_, partition) => ({
      ...{ topic: prefix + trainedModels.name, partition, key: keyOf(training), value },
    }))
  })
  const whole = trainings.map((training): OutgoingRecord => {
    const topic = prefix + modelTrainings.name
    return { topic, partition: 0, key: keyOf(training), value: inFull.encode(training) }
  })
  // Two trainers take turns: who begins later ends what the other has under way.
  const begin = (): Promise<TransactionalProducer> =>
    kafka.connectTransactionalProducer({
      ...{ transactionalId: `${prefix}model-trainer`, transactionTimeoutMs },
    })
  const transactional = await begin()
  try {
    await transactional.transact([...copies, ...whole])
  } finally {
    await transactional.close()
  }
  // A commit is answered before its marks are written; nobody may begin under its name until they are.
  await (await begin()).close()
  const plain = await kafka.connectProducer()
  try {
    await plain.send(copies)
  } finally {
    await plain.close()
  }
}

function keyOf({ model, version }: ModelTraining): string {
  return `${model}|${version}`
}

async function countPartitions(kafka: KafkaClient, topic: string): Promise<number> {
  const admin = await kafka.connectAdmin()
  try {
    const partitions = (await admin.partitionCounts([topic])).get(topic)
    if (partitions !== undefined) return partitions
    throw new SetupError(`topic missing: ${topic}: run npm run provision`)
  } finally {
    await admin.close()
  }
}
