// A topic writer with its ports: what is unwell is tried again, for as long as the partitions are ours.
import type { Consumer } from '../runtime/kafka-consumer'
import { asDependency } from '../runtime/errors'
import { retry } from '../runtime/retry'
import type { Insert, InsertRefusal } from '../runtime/clickhouse'
import { notePassedOver } from './note-passed-over'
import type { RowSource } from './read-rows'
import { rereadBatch } from './reread-batch'
import { appendedTable, passOver, skipWritten } from './take-replays'
import { TopicWriter, type PartitionStart } from './topic-writer'
import { writeBatch, type BatchPorts } from './write-batch'
import type { WriterOptions } from './writer-options'

/** The partitions one generation of the group gave us; over as soon as the next generation begins. */
export interface Tenure {
  over: boolean
  /** Batches under way are finished, nothing is tried again. */
  closing: boolean
  readonly consumer: Consumer
  /** By full name of the topic on the broker. */
  readonly lanes: Map<string, TopicLane>
}

export interface TopicLane {
  readonly writer: TopicWriter
  /** Settles once the writer has ended; failures went to `onCrash`. */
  readonly done: Promise<void>
  readonly readings: ReadonlyMap<number, Reading>
}

/** How far one partition has been read. */
export interface Reading {
  /** Of the newest batch: whether the consumer that read it has been stopped since. */
  stale: () => boolean
  highWatermark: number
  /** Where reading went on after a gap that was already looked into. */
  gapEnd: number | null
}

export interface LaneStart {
  /** Full name on the broker. */
  readonly topic: string
  readonly starts: readonly PartitionStart[]
  readonly tenure: Tenure
}

type Again = <T>(dependency: string, action: () => Promise<T>) => Promise<T>

export function createLane(
  { topic, starts, tenure }: LaneStart,
  options: WriterOptions,
): TopicLane {
  const { topicPrefix, health, metrics } = options
  const source = options.sources.find((one) => topicPrefix + one.topic === topic)
  if (source === undefined) throw new Error(`${topic} is not a topic of this service`)
  const readings = new Map(starts.map(({ partition }) => [partition, newReading()]))

  const mine = (): boolean =>
    !tenure.over && ![...readings.values()].some((reading) => reading.stale())
  const assertMine = (): void => {
    if (!mine()) throw new Error(`the partitions of ${topic} were taken away`)
  }
  const again: Again = async (dependency, action) => {
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
  const batchPorts = batchPortsOf(source, again, options)
  const { longWaitMs, ...limits } = options.limits
  const waitMs = source.urgent ? limits.waitMs : longWaitMs
  const writer = new TopicWriter(
    starts,
    { ...limits, waitMs },
    {
      now: options.now,
      pause: (partition) => {
        tenure.consumer.pause([{ topic, partition }])
      },
      resume: (partition) => {
        if (mine()) tenure.consumer.resume([{ topic, partition }])
      },
      commit: async (positions) => {
        const offsets = positions.map(({ note, ...rest }) => ({ topic, metadata: note, ...rest }))
        await again('kafka', () => asDependency('kafka', () => tenure.consumer.commit(offsets)))
        // What is committed counts, but nothing may follow it once the partitions were taken away.
        assertMine()
        for (const { partition, offset } of positions) {
          const highWatermark = readings.get(partition)?.highWatermark ?? 0
          metrics.lag({ topic, partition }, Math.max(0, highWatermark - offset))
        }
      },
      write: async (records) => {
        const target = { table: source.table, topicPrefix }
        metrics.wrote(source, await writeBatch(records, target, batchPorts), options.now())
      },
      reread: (parts) => again('kafka', () => rereadBatch(topic, parts, options)),
      passOver: notePassedOver(source, topic, batchPorts.insert),
    },
  )
  const done = writer.run().catch((error: unknown) => {
    if (mine() && !tenure.closing) options.onCrash(error)
  })
  return { writer, readings, done }
}

function batchPortsOf(source: RowSource, again: Again, options: WriterOptions): BatchPorts {
  return {
    read: async (batch) => {
      const reads = (await again('schema registry', () => source.read(batch))).map(passOver)
      if (source.table !== appendedTable) return reads
      return again('clickhouse', () => skipWritten(reads, options.warehouse))
    },
    insert: (insert) => again('clickhouse', () => timedInsert(insert, options)),
    bury: async (letters) => {
      await again('kafka', () => options.bury(letters))
      options.metrics.buried(letters)
    },
  }
}

function newReading(): Reading {
  return { stale: () => false, highWatermark: 0, gapEnd: null }
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
