// The records of a batch that was under way when its writer ended, as they stand in Kafka.
import type { BatchPart } from '../core/warehouse/batch'
import { DependencyError, SetupError } from '../runtime/errors'
import type { IncomingRecord, KafkaClient } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'

export interface Rereading {
  readonly kafka: Pick<KafkaClient, 'connectReader'>
  readonly admin: Pick<KafkaAdmin, 'bounds'>
  readonly groupId: string
}

/**
 * Part by part, also of partitions that are not ours.
 * @throws SetupError naming the offsets when they are no longer there: the batch cannot be told from another one then
 * @throws DependencyError
 */
export async function rereadBatch(
  topic: string,
  parts: readonly BatchPart[],
  { kafka, admin, groupId }: Rereading,
): Promise<IncomingRecord[]> {
  const bounds = await admin.bounds(topic)
  for (const { partition, first, last } of parts) {
    const low = bounds.find((bound) => bound.partition === partition)?.low ?? Infinity
    if (first >= low) continue
    throw new SetupError(
      `${topic}-${partition}: offsets ${first} to ${last}, of an insert that was cut off, were deleted before it was ` +
        `repeated; to go on without them reset the offsets of group ${groupId}`,
    )
  }
  const reader = await kafka.connectReader()
  try {
    const records: IncomingRecord[] = []
    for (const { partition, first, last } of parts) {
      const stretch = { topic, partition, from: first, to: last + 1 }
      const end = await reader.read(stretch, (read) => records.push(...read))
      if (end <= last) throw new DependencyError('kafka', `${topic}-${partition} ends at ${end}`)
    }
    return records
  } finally {
    await reader.close()
  }
}
