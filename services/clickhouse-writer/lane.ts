// A partition writer with its ports: what is unwell is tried again, for as long as the partition is ours.
import type { Consumer, TopicPartition } from '../runtime/kafka-consumer'
import { asDependency } from '../runtime/errors'
import { retry } from '../runtime/retry'
import type { Insert, InsertRefusal } from '../runtime/clickhouse'
import { notePassedOver } from './note-passed-over'
import { PartitionWriter, type PartitionStart } from './partition-writer'
import { appendedTable, passOver, skipWritten } from './take-replays'
import { writeBatch } from './write-batch'
import type { WriterOptions } from './writer-options'

/** The partitions one generation of the group gave us; over as soon as the next generation begins. */
export interface Tenure {
  over: boolean
  /** Batches under way are finished, nothing is tried again. */
  closing: boolean
  readonly consumer: Consumer
  readonly lanes: Map<string, Lane>
}

export interface Lane {
  readonly writer: PartitionWriter
  /** Settles once the writer has ended; failures went to `onCrash`. */
  readonly done: Promise<void>
  /** Of the newest batch: whether the consumer that read it has been stopped since. */
  stale: () => boolean
  highWatermark: number
  /** Where reading went on after a gap that was already looked into. */
  gapEnd: number | null
}

export interface LaneStart {
  readonly partition: TopicPartition
  readonly start: PartitionStart
  readonly tenure: Tenure
}

export function createLane({ partition, start, tenure }: LaneStart, options: WriterOptions): Lane {
  const { topicPrefix, health, metrics } = options
  const source = options.sources.find(({ topic }) => topicPrefix + topic === partition.topic)
  if (source === undefined) throw new Error(`${partition.topic} is not a topic of this service`)
  const target = { table: source.table, topicPrefix }

  const mine = (): boolean => !tenure.over && !lane.stale()
  const assertMine = (): void => {
    if (!mine()) throw new Error(`${partition.topic}-${partition.partition} was taken away`)
  }
  const again = async <T>(dependency: string, action: () => Promise<T>): Promise<T> => {
    const result = await retry(
      () => {
        assertMine()
        return action()
      },
      { health, goOn: () => mine() && !tenure.closing },
    )
    health.well(dependency)
    return result
  }

  const writer = new PartitionWriter(start, options.limits, {
    now: options.now,
    pause: () => {
      tenure.consumer.pause([partition])
    },
    resume: () => {
      if (mine()) tenure.consumer.resume([partition])
    },
    commit: async (offset, metadata) => {
      await again('kafka', () =>
        asDependency('kafka', () => tenure.consumer.commit([{ ...partition, offset, metadata }])),
      )
      // What is committed counts, but nothing may follow it once the partition was taken away.
      assertMine()
      metrics.lag(partition, Math.max(0, lane.highWatermark - offset))
    },
    write: async (records) => {
      const results = await writeBatch(records, target, {
        read: async (batch) => {
          const reads = (await again('schema registry', () => source.read(batch))).map(passOver)
          if (source.table !== appendedTable) return reads
          return again('clickhouse', () => skipWritten(reads, options.warehouse))
        },
        insert: (insert) => again('clickhouse', () => timedInsert(insert, options)),
        bury: async (letters) => {
          await again('kafka', () => options.bury(letters))
          metrics.buried(letters)
        },
      })
      metrics.wrote(source, results, options.now())
    },
    passOver: notePassedOver(source, partition, (insert) =>
      again('clickhouse', () => timedInsert(insert, options)),
    ),
  })
  const lane: Lane = {
    writer,
    done: Promise.resolve(),
    stale: () => false,
    highWatermark: 0,
    gapEnd: null,
  }
  const done = writer.run().catch((error: unknown) => {
    if (mine() && !tenure.closing) options.onCrash(error)
  })
  return Object.assign(lane, { done })
}

async function timedInsert(
  insert: Insert,
  { warehouse, metrics, now }: WriterOptions,
): Promise<InsertRefusal | null> {
  const startMs = now()
  const refusal = await warehouse.insert(insert)
  if (refusal === null) {
    metrics.inserted(insert.table, insert.rows.length, (now() - startMs) / 1_000)
  }
  return refusal
}
