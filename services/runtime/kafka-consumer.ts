// A group consumer under manual control: nothing is committed unless asked, a batch is never handed over
// twice at once, heartbeats go on while a batch is worked on, and a consumer that kafkajs gives up on is
// reported instead of staying silent.
import { type Consumer as KafkajsConsumer, type EachBatchPayload, type Kafka } from 'kafkajs'
import { asDependency } from './errors'
import { coPartitionAssigner } from './kafka-assigner'
import type { IncomingRecord } from './kafka-records'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly IncomingRecord[]
  /** Offset that was asked of the broker. */
  readonly fetchedOffset: number
  /** Offset of the last record, hidden ones included. */
  readonly lastOffset: number
  /** Next offset to be written to the partition when it was fetched. */
  readonly highWatermark: number
}

export interface ConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Called before anything of a new assignment is fetched: the place to seek and pause. */
  readonly onAssigned: (partitions: readonly TopicPartition[], consumer: Consumer) => void
  /** The next batch of the same fetch waits for it. `stale()` turns true when the partition was taken away. */
  readonly onBatch: (batch: Batch, stale: () => boolean) => Promise<void> | void
  /** kafkajs has stopped this consumer for good. */
  readonly onCrash: (error: Error) => void
  /** Partitions whose state is at hand; the assigner tries to leave them here. */
  readonly preferredPartitions?: () => readonly number[]
  readonly sessionTimeoutMs?: number
  readonly maxWaitMs?: number
  readonly maxBytesPerPartition?: number
  /** How many partitions' batches are worked on at once. */
  readonly concurrency?: number
}

export interface Consumer {
  seek(position: TopicPartition & { readonly offset: number }): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  commit(
    offsets: readonly (TopicPartition & { offset: number; metadata?: string })[],
  ): Promise<void>
  close(): Promise<void>
}

const defaultSessionMs = 10_000

export async function runKafkaConsumer(kafka: Kafka, options: ConsumerOptions): Promise<Consumer> {
  const sessionMs = options.sessionTimeoutMs ?? defaultSessionMs
  const inner = kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: sessionMs,
    rebalanceTimeout: 30_000,
    heartbeatInterval: heartbeatOf(options),
    maxWaitTimeInMs: options.maxWaitMs ?? 50,
    minBytes: 1,
    maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    partitionAssigners: [coPartitionAssigner(options.preferredPartitions ?? (() => []))],
  })
  const run = (): Promise<void> =>
    inner.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      partitionsConsumedConcurrently: options.concurrency ?? 1,
      eachBatch: (payload) => handleBatch(payload, options),
    })
  let joined = false
  let closed = false
  // Between a crash of kafkajs and its next joining there is nothing to seek or pause; then onAssigned is called.
  const whileJoined = (action: () => void): void => {
    if (joined) action()
  }
  const consumer: Consumer = {
    ...controlsOf(inner, whileJoined),
    close: async () => {
      closed = true
      await inner.stop()
      await inner.disconnect()
    },
  }
  inner.on(inner.events.GROUP_JOIN, ({ payload }) => {
    joined = true
    options.onAssigned(partitionsOf(payload.memberAssignment), consumer)
  })
  // Before it reports a crash kafkajs has let go of the group for some time.
  inner.on(inner.events.STOP, () => {
    joined = false
  })
  inner.on(inner.events.CRASH, ({ payload: { restart, error } }) => {
    joined = false
    if (restart || closed) return
    if (!interruptions.has(error.name)) options.onCrash(error)
    else setTimeout(startOver, 200 + Math.random() * 800)
  })
  const startOver = (): void => {
    if (closed) return
    inner
      .connect()
      .then(run)
      .catch(() => {
        setTimeout(startOver, 200 + Math.random() * 800)
      })
  }
  await inner.connect()
  await inner.subscribe({ topics: [...options.topics], fromBeginning: true })
  await run()
  return consumer
}

function controlsOf(
  inner: KafkajsConsumer,
  whileJoined: (action: () => void) => void,
): Omit<Consumer, 'close'> {
  const byTopic = (
    partitions: readonly TopicPartition[],
  ): { topic: string; partitions: number[] }[] =>
    partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }))
  return {
    seek: ({ topic, partition, offset }) => {
      whileJoined(() => {
        inner.seek({ topic, partition, offset: String(offset) })
      })
    },
    pause: (partitions) => {
      whileJoined(() => {
        inner.pause(byTopic(partitions))
      })
    },
    resume: (partitions) => {
      whileJoined(() => {
        inner.resume(byTopic(partitions))
      })
    },
    commit: (offsets) =>
      asDependency('kafka', () =>
        inner.commitOffsets(
          offsets.map(({ offset, ...rest }) => ({ ...rest, offset: String(offset) })),
        ),
      ),
  }
}

/** Ways in which kafkajs gives a consumer up although only the cluster is unwell: begun anew until it is well. */
const interruptions: ReadonlySet<string> = new Set([
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSNumberOfRetriesExceeded',
])

/** Three chances within a session. */
function heartbeatOf({ sessionTimeoutMs = defaultSessionMs }: ConsumerOptions): number {
  return Math.floor(sessionTimeoutMs / 4)
}

async function handleBatch(payload: EachBatchPayload, options: ConsumerOptions): Promise<void> {
  let lost: unknown = null
  const stale = (): boolean => lost !== null || !payload.isRunning() || payload.isStale()
  const result = options.onBatch(toBatch(payload), stale)
  if (result === undefined) return
  const timer = setInterval(() => {
    payload.heartbeat().catch((error: unknown) => {
      lost = error
    })
  }, heartbeatOf(options))
  try {
    await result
  } finally {
    clearInterval(timer)
  }
}

function toBatch({ batch }: EachBatchPayload): Batch {
  const { topic, partition } = batch
  return {
    topic,
    partition,
    fetchedOffset: Number((batch as unknown as { fetchedOffset: string }).fetchedOffset),
    lastOffset: Number(batch.lastOffset()),
    highWatermark: Number(batch.highWatermark),
    records: batch.messages.map((message) => ({
      topic,
      partition,
      offset: Number(message.offset),
      key: message.key,
      value: message.value,
      headers: textHeaders(message.headers),
      timestampMs: Number(message.timestamp),
    })),
  }
}

const noHeaders: Readonly<Record<string, string>> = {}

function textHeaders(
  headers: EachBatchPayload['batch']['messages'][number]['headers'],
): Record<string, string> {
  if (headers === undefined) return noHeaders
  const entries = Object.entries(headers)
  if (entries.length === 0) return noHeaders
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

function partitionsOf(assignment: Readonly<Record<string, number[]>>): TopicPartition[] {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
