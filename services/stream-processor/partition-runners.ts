// The runners of one stage in one process, one for each partition assigned to it. Kafka says what is assigned
// and hands over what was fetched; here every partition has one runner at a time, and the next one of a
// partition waits until the one before has let go of the store.
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { Batch, Consumer, TopicPartition } from '../runtime/kafka-consumer'
import { PartitionRunner, type RunnerOptions } from './partition-runner'

export interface PartitionRunners {
  /** What is not assigned any more is closed, what is new is opened. */
  assign(assigned: readonly TopicPartition[], consumer: Consumer): void
  hear(batch: Batch): Promise<void>
  /** Tells the group the positions, for lag displays and for whoever waits until something is heard (a deletion on
   * request does), and deletes loop records that are in the state. Nothing here begins where the group says. */
  keepHouse(consumer: Consumer, admin: Pick<KafkaAdmin, 'deleteRecords'>): Promise<void>
  /** Partitions whose stores are in use. */
  held(): ReadonlySet<number>
  /** Has every partition's state gone through one step further. */
  walk(): void
  /** Resolves when no runner is left; whatever is assigned from now on is not taken. */
  close(): Promise<void>
}

export function createPartitionRunners(
  options: Omit<RunnerOptions, 'partition' | 'consumer'>,
): PartitionRunners {
  const { changelog, loop } = options.wiring
  const runners = new Map<number, PartitionRunner>()
  const closing = new Map<number, Promise<void>>()
  let stopping = false

  const close = (partition: number): void => {
    const runner = runners.get(partition)
    if (runner === undefined) return
    runners.delete(partition)
    const ended = runner.close()
    closing.set(partition, ended)
    void ended.then(() => {
      if (closing.get(partition) === ended) closing.delete(partition)
    })
  }
  return {
    assign: (assigned, consumer) => {
      if (stopping) return
      const mine = new Set(
        assigned.filter(({ topic }) => topic === changelog).map(({ partition }) => partition),
      )
      for (const partition of [...runners.keys()]) if (!mine.has(partition)) close(partition)
      for (const partition of mine) {
        const runner = runners.get(partition)
        if (runner !== undefined) {
          runner.reassigned()
          continue
        }
        const earlier = closing.get(partition) ?? Promise.resolve()
        runners.set(partition, new PartitionRunner({ ...options, partition, consumer }, earlier))
      }
    },
    hear: async (batch) => {
      await runners.get(batch.partition)?.hear(batch)
    },
    keepHouse: async (consumer, admin) => {
      for (const runner of runners.values()) runner.flush()
      const offsets = [...runners].flatMap(([partition, runner]) =>
        Object.entries(runner.durablePositions()).map(([topic, offset]) => ({
          topic,
          partition,
          offset,
        })),
      )
      if (offsets.length === 0) return
      await consumer.commit(offsets)
      const applied = offsets.filter(({ topic }) => topic === loop)
      if (loop !== null && applied.length > 0) await admin.deleteRecords(loop, applied)
    },
    held: () => new Set([...runners.keys(), ...closing.keys()]),
    walk: () => {
      for (const runner of runners.values()) runner.walk()
    },
    close: async () => {
      stopping = true
      for (const partition of [...runners.keys()]) close(partition)
      await Promise.all(closing.values())
    },
  }
}
