// Publishing a training: one transaction with the whole of it and, for every partition of the stream, a copy of what
// orders are credited by. So no partition ever hears of a version that another will not.
import { trainedModelOf } from '../core/models/train-models'
import type { ModelTraining } from '../core/records'
import { topics } from '../core/topics'
import type { SchemaDirectory } from '../runtime/codec'
import { SetupError } from '../runtime/errors'
import type { KafkaClient, OutgoingRecord } from '../runtime/kafka'

export interface Publishing {
  readonly kafka: KafkaClient
  readonly registry: SchemaDirectory
  readonly prefix: string
}

const transactionTimeoutMs = 60_000

/** Publishing the same trainings again changes nothing: their versions say what they are.
 * @throws DependencyError with unknown outcome; SetupError when topics or schemas are missing */
export async function publishModels(
  trainings: readonly ModelTraining[],
  { kafka, registry, prefix }: Publishing,
): Promise<void> {
  const { trainedModels, modelTrainings } = topics
  const [models, whole] = [
    await registry.topicCodec(trainedModels),
    await registry.topicCodec(modelTrainings),
  ]
  const partitions = await countPartitions(kafka, prefix + trainedModels.name)
  const records = trainings.flatMap((training): OutgoingRecord[] => {
    const key = `${training.model}|${training.version}`
    const value = models.encode(trainedModelOf(training))
    const copies = Array.from({ length: partitions }, (_, partition) => ({
      ...{ topic: prefix + trainedModels.name, partition, key, value },
    }))
    const topic = prefix + modelTrainings.name
    return [...copies, { topic, partition: 0, key, value: whole.encode(training) }]
  })
  // Two trainers take turns: who begins later ends what the other has under way.
  const transactionalId = `${prefix}model-trainer`
  const producer = await kafka.connectTransactionalProducer({
    ...{ transactionalId, transactionTimeoutMs },
  })
  try {
    await producer.transact(records)
  } finally {
    await producer.close()
  }
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
