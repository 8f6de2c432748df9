// A group consumer under manual control: nothing is committed unless asked, and what is said to be committed is; a
// batch is never handed over twice at once, heartbeats go on while a batch is worked on, and a consumer that
// kafkajs gives up, or that stands still, is begun anew or reported instead of staying silent.
import type { Consumer as KafkajsConsumer, EachBatchPayload } from 'kafkajs'
import { asDependency, DependencyError, SetupError } from './errors'
import { coPartitionAssigner } from './kafka-assigner'
import { batchOf, type Batch, type TopicPartition } from './kafka-batch'
import { closeClient, cutOnTimeout, type OneClient } from './kafka-client'
import { watchLiveness } from './kafka-liveness'

export type { Batch, TopicPartition } from './kafka-batch'

export interface ConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Called before anything of a new assignment is fetched: the place to seek and pause. */
  readonly onAssigned: (partitions: readonly TopicPartition[], consumer: Consumer) => void
  /** The next batch of the same fetch waits for it. `stale()` turns true when the partition was taken away. After a
   * DependencyError the batch comes again; anything else it throws is our own fault and ends the consumer. */
  readonly onBatch: (batch: Batch, stale: () => boolean) => Promise<void> | void
  /** Told of offsets at which a fetch found nothing but marks of transactions and what aborted ones had written. */
  readonly onHidden?: (range: HiddenOffsets) => void
  /** This consumer has stopped for good. A SetupError when the operator must act. */
  readonly onCrash: (error: Error) => void
  /** Partitions whose state is at hand; the assigner tries to leave them here. */
  readonly preferredPartitions?: () => readonly number[]
  readonly sessionTimeoutMs?: number
  /** How long a fetch waits for `minBytes`: the longest a lone record lies at the broker. */
  readonly maxWaitMs?: number
  /** What the broker gathers before it answers a fetch, as long as the wait allows; more of it means fewer answers. */
  readonly minBytes?: number
  readonly maxBytesPerPartition?: number
  /** How many partitions' batches are worked on at once. */
  readonly concurrency?: number
  /** How long it may neither fetch, join nor be given up before it counts as crashed. */
  readonly silenceMaxMs?: number
}

/** From `first` to `last`, both included. */
export interface HiddenOffsets extends TopicPartition {
  readonly first: number
  readonly last: number
}

interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly metadata?: string
}

export interface Consumer {
  seek(position: TopicPartition & { readonly offset: number }): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** @throws DependencyError unless the broker has acknowledged them: also when the consumer has stopped meanwhile */
  commit(offsets: readonly CommittedOffset[]): Promise<void>
  close(): Promise<void>
}

const defaultSessionMs = 10_000
/** Longer than kafkajs may go on trying to join on a broken connection. */
const defaultSilenceMaxMs = 180_000

export async function runKafkaConsumer(
  client: OneClient,
  options: ConsumerOptions,
): Promise<Consumer> {
  const inner = createConsumer(client, options)
  const state: ConsumerState = { joined: false, ended: false, working: 0 }
  const crash = (error: Error): void => {
    if (state.ended) return
    state.ended = true
    options.onCrash(error)
  }
  const run = (): Promise<void> =>
    inner.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      partitionsConsumedConcurrently: options.concurrency ?? 1,
      eachBatch: async (payload) => {
        state.working += 1
        try {
          await handleBatch(payload, options)
        } catch (error) {
          if (!(error instanceof DependencyError)) crash(error as Error)
          throw error
        } finally {
          state.working -= 1
        }
      },
    })
  const endWatch = watchLiveness(inner, {
    silenceMaxMs: options.silenceMaxMs ?? defaultSilenceMaxMs,
    busy: () => state.working > 0,
    onSilence: crash,
  })
  const consumer: Consumer = {
    // Between a crash of kafkajs and its next joining there is nothing to seek or pause; then onAssigned is called.
    ...controlsOf(inner, (action) => {
      if (state.joined) action()
    }),
    commit: (offsets) => asDependency('kafka', () => commit(inner, offsets, client)),
    close: async () => {
      state.ended = true
      endWatch()
      await closeClient(async () => {
        await inner.stop()
        await inner.disconnect()
      }, client)
    },
  }
  inner.on(inner.events.GROUP_JOIN, ({ payload }) => {
    state.joined = true
    options.onAssigned(partitionsOf(payload.memberAssignment), consumer)
  })
  if (options.onHidden !== undefined) tellHidden(inner, options.onHidden)
  startOverAfterCrash(inner, { state, crash, run, client })
  await inner.connect()
  await inner.subscribe({ topics: [...options.topics], fromBeginning: true })
  await run()
  return consumer
}

/** kafkajs hands no batch over in which it found no record, and tells of it in its events only. */
function tellHidden(inner: KafkajsConsumer, tell: (range: HiddenOffsets) => void): void {
  inner.on(inner.events.END_BATCH_PROCESS, ({ payload }) => {
    const { topic, partition, batchSize, lastOffset } = payload
    const firstOffset = payload.firstOffset as string | null
    if (batchSize > 0 || firstOffset === null) return
    tell({ topic, partition, first: Number(firstOffset), last: Number(lastOffset) })
  })
}

interface ConsumerState {
  /** Member of the group, as far as kafkajs has told. */
  joined: boolean
  /** Closed, or reported as crashed. */
  ended: boolean
  /** Batches under way. */
  working: number
}

function createConsumer(client: OneClient, options: ConsumerOptions): KafkajsConsumer {
  const inner = client.kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs ?? defaultSessionMs,
    rebalanceTimeout: 30_000,
    heartbeatInterval: heartbeatOf(options),
    maxWaitTimeInMs: options.maxWaitMs ?? 50,
    minBytes: options.minBytes ?? 1,
    maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    partitionAssigners: [coPartitionAssigner(options.preferredPartitions ?? (() => []))],
  })
  cutOnTimeout(inner, client)
  return inner
}

interface Supervision {
  readonly state: ConsumerState
  readonly crash: (error: Error) => void
  readonly run: () => Promise<void>
  readonly client: OneClient
}

/** kafkajs restarts after some crashes and gives up after others; what it gives up for no good reason starts over. */
function startOverAfterCrash(
  inner: KafkajsConsumer,
  { state, crash, run, client }: Supervision,
): void {
  const later = (): void => {
    setTimeout(startOver, 200 + Math.random() * 800)
  }
  const startOver = (): void => {
    if (!state.ended) inner.connect().then(run).catch(later)
  }
  // Before it reports a crash kafkajs has let go of the group for some time.
  inner.on(inner.events.STOP, () => {
    state.joined = false
  })
  inner.on(inner.events.CRASH, ({ payload: { restart, error } }) => {
    state.joined = false
    if (state.ended) return
    if (restart || isInterruption(error)) {
      client.acted('consumer_begun_anew')
      if (!restart) later()
    } else crash(reasonOf(error))
  })
}

function controlsOf(
  inner: KafkajsConsumer,
  whileJoined: (action: () => void) => void,
): Pick<Consumer, 'seek' | 'pause' | 'resume'> {
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
  }
}

/** A commit through a consumer that has stopped, or stops meanwhile, resolves without having happened: so only what
 * kafkajs tells to have committed counts. */
async function commit(
  inner: KafkajsConsumer,
  offsets: readonly CommittedOffset[],
  { acted }: OneClient,
): Promise<void> {
  const missing = new Set(offsets.map(({ topic, partition }) => `${topic}:${partition}`))
  const stopListening = inner.on(inner.events.COMMIT_OFFSETS, ({ payload: { topics } }) => {
    for (const { topic, partitions } of topics) {
      for (const { partition, offset } of partitions) {
        const asked = offsets.find((one) => one.topic === topic && one.partition === partition)
        if (Number(offset) === asked?.offset) missing.delete(`${topic}:${partition}`)
      }
    }
  })
  try {
    await inner.commitOffsets(
      offsets.map(({ offset, ...rest }) => ({ ...rest, offset: String(offset) })),
    )
  } finally {
    stopListening()
  }
  if (missing.size === 0) return
  acted('commit_unconfirmed')
  throw new Error(`the consumer stopped before it had committed ${[...missing].join(', ')}`)
}

/** What kafkajs gives up for good although only the cluster is unwell: begun anew until it is well. After what it
 * calls retriable, or has tried too often, it restarts by itself. */
const interruptions: ReadonlySet<string> = new Set([
  'KafkaJSGroupCoordinatorNotFound',
  // Many waited for one connection that did not come.
  'KafkaJSLockTimeout',
])

/** kafkajs wraps what it will not try again, so the name that matters may be a cause's. */
function isInterruption(error: unknown): boolean {
  return error instanceof Error && (interruptions.has(error.name) || isInterruption(error.cause))
}

/** What only the operator can mend is said to him; kafka-fetch.ts has made its words readable. */
function reasonOf(error: Error): Error {
  return error.name === 'KafkaJSNotImplemented' ? new SetupError(error.message) : error
}

/** Three chances within a session. */
function heartbeatOf({ sessionTimeoutMs = defaultSessionMs }: ConsumerOptions): number {
  return Math.floor(sessionTimeoutMs / 4)
}

async function handleBatch(payload: EachBatchPayload, options: ConsumerOptions): Promise<void> {
  // Fetched together with one whose handler sought this partition, or before a rebalance that sought it anew.
  if (payload.isStale()) return
  let lost: unknown = null
  const stale = (): boolean => lost !== null || !payload.isRunning() || payload.isStale()
  const result = options.onBatch(batchOf(payload), stale)
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

function partitionsOf(assignment: Readonly<Record<string, number[]>>): TopicPartition[] {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
