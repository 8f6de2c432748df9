// Reads a stretch of a partition from one offset to the end, as commands do: no group, nothing committed, nothing left
// behind, and the end is known. kafkajs offers no such thing, so its cluster is asked directly (version pinned).
import type Cluster from 'kafkajs/src/cluster'
import type { Kafka } from 'kafkajs'
import { asDependency } from './errors'
import type { IncomingRecord } from './kafka-records'

export interface Stretch {
  readonly topic: string
  readonly partition: number
  /** First offset wanted; one below the log's beginning reads from there. */
  readonly from: number
  /** Offset to stop before; by default everything that is committed. */
  readonly to?: number
  /** How much to ask for at once; one record is always given. */
  readonly fetchBytes?: number
}

export interface KafkaReader {
  /**
   * Hands over the committed records of a stretch, batch by batch.
   * @returns the offset after the last one read, hidden ones included. @throws DependencyError
   */
  read(stretch: Stretch, hear: (records: readonly IncomingRecord[]) => void): Promise<number>
  close(): Promise<void>
}

const defaultFetchBytes = 4 * 1_048_576
/** Long enough for a broker that has something; an answer without anything is the end. */
const waitMs = 100
const readCommitted = 1

type Broker = Awaited<ReturnType<Cluster['findBroker']>>

export async function connectReader(kafka: Kafka): Promise<KafkaReader> {
  const cluster = clusterOf(kafka)
  await cluster.connect()
  return {
    read: (stretch, hear) =>
      asDependency('kafka', async () => {
        const { topic, partition } = stretch
        const broker = await leaderOf(cluster, topic, partition)
        const log = await bounds(cluster, topic, partition)
        const to = Math.min(stretch.to ?? Infinity, log.high)
        let next = Math.max(stretch.from, log.low)
        while (next < to) {
          const fetched = await fetch(broker, { ...stretch, from: next }).catch(
            async (error: unknown) => {
              // Deleted while it was being read: what is left begins later.
              const { low } = await bounds(cluster, topic, partition)
              if (low <= next) throw error
              return { records: [], next: low }
            },
          )
          // What is left belongs to a transaction that is still open.
          if (fetched.next <= next) break
          next = fetched.next
          hear(fetched.records.filter(({ offset }) => offset < to))
        }
        return Math.min(next, to)
      }),
    close: () => cluster.disconnect(),
  }
}

/** @returns committed records, and the offset after everything in the answer */
async function fetch(
  broker: Broker,
  { topic, partition, from, fetchBytes = defaultFetchBytes }: Stretch,
): Promise<{ records: IncomingRecord[]; next: number }> {
  const { responses } = await broker.fetch({
    replicaId: -1,
    isolationLevel: readCommitted,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes: fetchBytes,
    topics: [
      { topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: fetchBytes }] },
    ],
  })
  const messages = (responses[0]?.partitions[0]?.messages ?? []).filter(
    ({ offset }) => Number(offset) >= from,
  )
  const last = messages.at(-1)
  return {
    next: last === undefined ? from : Number(last.offset) + 1,
    // Records of aborted transactions are marked as control records by kafka-aborted-filter.ts.
    records: messages
      .filter(({ isControlRecord }) => isControlRecord !== true)
      .map(({ offset, key, value, headers, timestamp }) => ({
        ...{ topic, partition, key, value, headers: textHeaders(headers) },
        offset: Number(offset),
        timestampMs: Number(timestamp),
      })),
  }
}

function textHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

async function leaderOf(cluster: Cluster, topic: string, partition: number): Promise<Broker> {
  await cluster.addTargetTopic(topic)
  await cluster.refreshMetadataIfNecessary()
  const leaders = cluster.findLeaderForPartitions(topic, [partition])
  const [nodeId] = Object.keys(leaders)
  if (nodeId === undefined) throw new Error(`${topic} has no partition ${partition}`)
  return cluster.findBroker({ nodeId })
}

async function bounds(
  cluster: Cluster,
  topic: string,
  partition: number,
): Promise<{ low: number; high: number }> {
  const offsetOf = async (fromBeginning: boolean): Promise<number> => {
    const wanted = { topic, partitions: [{ partition }], fromBeginning }
    const [found] = await cluster.fetchTopicsOffset([wanted])
    return Number(found?.partitions[0]?.offset ?? 0)
  }
  return { low: await offsetOf(true), high: await offsetOf(false) }
}

/** The cluster a client makes for its own consumers, with its addresses, log-in and encryption. */
function clusterOf(kafka: Kafka): Cluster {
  const name = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  if (name === undefined) throw new Error('this is not the kafkajs version that was pinned')
  const create = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[name]
  if (create === undefined) throw new Error('this is not the kafkajs version that was pinned')
  return create({
    allowAutoTopicCreation: false,
    isolationLevel: readCommitted,
    metadataMaxAge: 300_000,
  })
}
