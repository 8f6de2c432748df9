// What one generation of the consumer group gave us, and how its partitions are taken over.
import { topics } from '../core/topics'
import { ownerDelivery } from '../core/erp/delivery-memory'
import { DependencyError, SetupError } from '../runtime/errors'
import type { Consumer, TopicPartition } from '../runtime/kafka-consumer'
import { retry } from '../runtime/retry'
import type { DeliveryLog } from './delivery-log'
import { PartitionState, type Turn } from './partition-state'
import { TopicReading } from './topic-reading'
import type { SinkOptions } from './sink-options'

export interface Tenure {
  over: boolean
  readonly consumer: Consumer
  readonly states: Map<number, PartitionState>
  /** By topic and partition. */
  readonly readings: Map<string, TopicReading>
  readonly paused: Set<number>
  readonly committed: Map<number, number>
}

export function readingKey({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

/** The topics the sink reads, as they are called on the broker. */
export function topicNames(prefix: string): {
  orders: string
  positions: string
  deliveries: string
} {
  return {
    orders: prefix + topics.attributedOrders.name,
    positions: prefix + topics.stockPositions.name,
    deliveries: prefix + topics.erpDeliveries.name,
  }
}

/** Pauses what was assigned; nothing is read before the partition's positions are known. `before` is the tenure that ends. */
export function beginTenure(
  partitions: readonly TopicPartition[],
  consumer: Consumer,
  turn: Turn & { readonly before: Tenure | null },
): Tenure {
  consumer.pause(partitions)
  const states = new Map<number, PartitionState>()
  for (const { partition } of partitions) {
    const former = turn.before?.states.get(partition) ?? null
    states.set(partition, new PartitionState(partition, { ...turn, former }))
  }
  return {
    over: false,
    consumer,
    states,
    readings: new Map(),
    paused: new Set(),
    committed: new Map(),
  }
}

/**
 * Orders are read from where everything below is settled; positions and deliveries from their beginning, since they are
 * all the memory there is. Our owner record tells where that memory ends.
 * @throws SetupError when orders were deleted before they were delivered
 */
export async function takeOver(
  partitions: readonly TopicPartition[],
  tenure: Tenure,
  { options, log }: { readonly options: SinkOptions; readonly log: DeliveryLog },
): Promise<void> {
  const { health, topicPrefix } = options
  const names = topicNames(topicPrefix)
  for (const topic of Object.values(names)) {
    const mine = partitions.filter((assigned) => assigned.topic === topic)
    if (mine.length === 0) continue
    const standings = await retry(() => standingsOf(topic, options), {
      health,
      goOn: () => !tenure.over,
    })
    if (tenure.over) return
    for (const assigned of mine) {
      const standing = standings.get(assigned.partition)
      if (standing === undefined) throw new Error(`${topic} has no partition ${assigned.partition}`)
      const start = topic === names.orders ? startOf(assigned, standing) : standing.low
      const state = tenure.states.get(assigned.partition)
      if (topic === names.positions && state !== undefined) state.stockEnd = standing.high
      tenure.readings.set(readingKey(assigned), new TopicReading({ ...assigned, start }))
      tenure.consumer.seek({ ...assigned, offset: start })
      tenure.consumer.resume([assigned])
    }
  }
  for (const { partition, token } of tenure.states.values()) {
    if (tenure.over) return
    await log.write(partition, [ownerDelivery(partition, { token, released: false })])
  }
}

interface Standing {
  readonly low: number
  readonly high: number
  /** Committed offset; null before the first. */
  readonly committed: number | null
}

async function standingsOf(
  topic: string,
  { admin, groupId }: SinkOptions,
): Promise<Map<number, Standing>> {
  try {
    const [bounds, committed] = await Promise.all([
      admin.bounds(topic),
      admin.committed(groupId, topic),
    ])
    return new Map(
      bounds.map(({ partition, low, high }) => {
        const offset = committed.find((one) => one.partition === partition)?.offset ?? -1
        return [partition, { low, high, committed: offset < 0 ? null : offset }]
      }),
    )
  } catch (error) {
    throw new DependencyError('kafka', error)
  }
}

function startOf({ topic, partition }: TopicPartition, standing: Standing): number {
  const { low, high, committed } = standing
  if (committed === null) return low
  if (committed >= low && committed <= high) return committed
  const what =
    committed < low
      ? `offsets ${committed} to ${low - 1} were deleted before they were delivered`
      : `offset ${committed} lies past the end, ${high}: the topic is another one now`
  throw new SetupError(
    `${topic}-${partition}: ${what}; to go on without them reset the group's offsets`,
  )
}
