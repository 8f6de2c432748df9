// Where the partitions of a topic stand for a group: what to write next, and whether a batch was under way.
import { partsFrom } from '../core/warehouse/batch'
import { SetupError } from '../runtime/errors'
import type { KafkaAdmin, PartitionBounds } from '../runtime/kafka-admin'
import type { PartitionStart } from './topic-writer'

/**
 * By partition.
 * @throws SetupError naming the offsets when records not yet written are no longer there
 * @throws DependencyError
 */
export async function findPositions(
  topic: string,
  admin: KafkaAdmin,
  groupId: string,
): Promise<Map<number, PartitionStart>> {
  const [committed, bounds] = await Promise.all([
    admin.committed(groupId, topic),
    admin.bounds(topic),
  ])
  return new Map(
    bounds.map((bound) => {
      const found = committed.find(({ partition }) => partition === bound.partition)
      const position = found === undefined || found.offset < 0 ? bound.low : found.offset
      assertThere({ topic, groupId, position }, bound)
      const { partition } = bound
      return [partition, { partition, position, interrupted: partsFrom(found?.metadata ?? '') }]
    }),
  )
}

interface Standing {
  readonly topic: string
  readonly groupId: string
  readonly position: number
}

function assertThere({ topic, groupId, position }: Standing, bound: PartitionBounds): void {
  const { partition, low, high } = bound
  if (position >= low && position <= high) return
  const what =
    position < low
      ? `offsets ${position} to ${low - 1} were deleted before they were written`
      : `offset ${position} lies past the end, ${high}: the topic is another one now`
  throw new SetupError(
    `${topic}-${partition}: ${what}; to go on without them reset the offsets of group ${groupId}`,
  )
}

/** @throws SetupError naming the topics that do not exist */
export async function assertTopics(names: readonly string[], admin: KafkaAdmin): Promise<void> {
  const counts = await admin.partitionCounts(names)
  const missing = names.filter((name) => !counts.has(name))
  if (missing.length > 0) {
    throw new SetupError(`no topic ${missing.join(', ')}: run npm run provision`)
  }
}
