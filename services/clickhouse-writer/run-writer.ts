// The group consumer around the topic writers: which partitions are ours, and from where each goes on.
import type { Batch, Consumer, TopicPartition } from '../runtime/kafka-consumer'
import { retry } from '../runtime/retry'
import { assertTopics, findPositions } from './find-positions'
import { createLane, type Tenure } from './topic-lane'
import type { WriterOptions } from './writer-options'

export interface Writer {
  /** Finishes what is being written, unless a dependency holds it up, then leaves the group. */
  close(): Promise<void>
  /** The next offset to be written of a partition; null where it is not ours. */
  writtenUpTo(partition: TopicPartition): number | null
}

const longestCloseMs = 5_000

/** @throws SetupError when a topic is missing */
export async function runWriter(options: WriterOptions): Promise<Writer> {
  const names = options.sources.map(({ topic }) => options.topicPrefix + topic)
  await retry(() => assertTopics(names, options.admin), { health: options.health })
  let tenure: Tenure | null = null
  const begin = (partitions: readonly TopicPartition[], consumer: Consumer): void => {
    const closing = tenure?.closing ?? false
    end(tenure)
    const next: Tenure = { over: false, closing, consumer, lanes: new Map() }
    tenure = next
    options.metrics.forgetLags()
    consumer.pause(partitions)
    takeOver(partitions, next, options).catch((error: unknown) => {
      if (!next.over && !next.closing) options.onCrash(error)
    })
  }
  const consumer = await options.kafka.runConsumer({
    groupId: options.groupId,
    sessionTimeoutMs: options.sessionTimeoutMs,
    topics: names,
    // Batches wait longer than a fetch does.
    minBytes: 65_536,
    onAssigned: begin,
    onBatch: (batch, stale) => {
      if (tenure !== null) receive(batch, stale, tenure)
    },
    onHidden: ({ topic, partition, first, last }) => {
      tenure?.lanes.get(topic)?.writer.queue(partition)?.hide({ first, last })
    },
    onCrash: options.onCrash,
  })
  return {
    writtenUpTo: ({ topic, partition }) =>
      tenure?.lanes.get(topic)?.writer.queue(partition)?.position ?? null,
    close: async () => {
      const last = tenure
      if (last !== null) {
        last.closing = true
        for (const { writer } of last.lanes.values()) writer.end()
        await within(
          longestCloseMs,
          [...last.lanes.values()].map(({ done }) => done),
        )
      }
      end(last)
      await consumer.close()
    },
  }
}

/** Finds where each partition stands and begins to write it. Nothing is read before. */
async function takeOver(
  partitions: readonly TopicPartition[],
  tenure: Tenure,
  options: WriterOptions,
): Promise<void> {
  const { admin, groupId, health } = options
  const goOn = (): boolean => !tenure.over && !tenure.closing
  for (const topic of new Set(partitions.map((partition) => partition.topic))) {
    const positions = await retry(() => findPositions(topic, admin, groupId), { health, goOn })
    health.well('kafka')
    if (!goOn()) return
    const starts = partitions
      .filter((assigned) => assigned.topic === topic)
      .map(({ partition }) => {
        const start = positions.get(partition)
        if (start === undefined) throw new Error(`${topic} has no partition ${partition}`)
        return start
      })
    const lane = createLane({ topic, starts, tenure }, options)
    for (const { partition } of starts) {
      const offset = lane.writer.queue(partition)?.next ?? 0
      tenure.consumer.seek({ topic, partition, offset })
    }
    tenure.lanes.set(topic, lane)
    tenure.consumer.resume(starts.map(({ partition }) => ({ topic, partition })))
  }
}

function receive(batch: Batch, stale: () => boolean, { lanes, consumer }: Tenure): void {
  const { topic, partition } = batch
  const lane = lanes.get(topic)
  const queue = lane?.writer.queue(partition)
  const reading = lane?.readings.get(partition)
  // Read before the partition was taken over: its position will bring it again.
  if (lane === undefined || queue === undefined || reading === undefined) return
  if (batch.fetchedOffset > queue.next && reading.gapEnd !== batch.fetchedOffset) {
    // Either what lay between is gone, or a batch that an earlier generation had fetched has moved the reading
    // position on. Read again from where we stand: only the first comes out the same, and the ledger will say so.
    reading.gapEnd = batch.fetchedOffset
    reading.stale = () => false
    consumer.seek({ topic, partition, offset: queue.next })
    return
  }
  reading.stale = stale
  reading.highWatermark = batch.highWatermark
  queue.add(batch)
  lane.writer.look()
}

function end(tenure: Tenure | null): void {
  if (tenure === null) return
  tenure.over = true
  for (const { writer } of tenure.lanes.values()) writer.end()
}

async function within(ms: number, work: readonly Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.all(work), timeout])
  clearTimeout(timer)
}
