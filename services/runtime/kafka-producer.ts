// Producers. kafkajs's idempotent producer rolls its sequence back after a failed send and may then have a
// different batch acknowledged as a duplicate; its send may resolve with partitions missing; its transactional
// producer is stuck after a failed commit. So: one send in flight, every answer checked for every partition
// sent, and a producer that has failed once is thrown away.
import {
  type Kafka,
  type Producer as KafkajsProducer,
  type RecordMetadata,
  type TopicMessages,
} from 'kafkajs'
import { asDependency, DependencyError } from './errors'
import type { OutgoingRecord } from './kafka-records'

/** A send is one record batch per partition, which the broker bounds. */
const batchRecordsMax = 500
const batchBytesMax = 512 * 1024

export interface Producer {
  /** Resolves once all replicas have every record. One call at a time.
   * @throws DependencyError; the records may or may not have been written then */
  send(records: readonly OutgoingRecord[]): Promise<void>
  close(): Promise<void>
}

export interface TransactionalProducerOptions {
  readonly transactionalId: string
  /** The broker aborts an orphaned transaction after this long; until then it holds back every reader. */
  readonly transactionTimeoutMs: number
}

export interface TransactionalProducer {
  /**
   * Writes all records or none, and fences older producers of the same id.
   * @returns the next offset of each `topic:partition` written, commit marker not counted
   * @throws DependencyError; the outcome is unknown then and the producer must be closed and replaced
   */
  transact(records: readonly OutgoingRecord[]): Promise<Map<string, number>>
  /** The same, step by step. */
  begin(): Promise<OpenTransaction>
  close(): Promise<void>
}

export interface OpenTransaction {
  /** @returns the next offset of each `topic:partition` written */
  send(records: readonly OutgoingRecord[]): Promise<Map<string, number>>
  commit(): Promise<void>
  abort(): Promise<void>
}

export async function connectPlainProducer(kafka: Kafka): Promise<Producer> {
  const connect = async (): Promise<KafkajsProducer> => {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    })
    await producer.connect()
    return producer
  }
  let current: KafkajsProducer | null = await connect()
  return {
    async send(records) {
      const producer = (current ??= await asDependency('kafka', connect))
      try {
        for (const chunk of chunksOf(records)) {
          assertCovered(chunk, await producer.sendBatch({ acks: -1, topicMessages: chunk }))
        }
      } catch (error) {
        current = null
        void producer.disconnect().catch(() => undefined)
        throw new DependencyError('kafka', error)
      }
    },
    close: async () => {
      await current?.disconnect()
      current = null
    },
  }
}

export async function connectTransactionalProducer(
  kafka: Kafka,
  { transactionalId, transactionTimeoutMs }: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout: transactionTimeoutMs,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  const begin = async (): Promise<OpenTransaction> => {
    const transaction = await asDependency('kafka', () => producer.transaction())
    return {
      send: (records) =>
        asDependency('kafka', async () => {
          const next = new Map<string, number>()
          for (const chunk of chunksOf(records)) {
            const answer = await transaction.sendBatch({ acks: -1, topicMessages: chunk })
            assertCovered(chunk, answer)
            noteNextOffsets(next, chunk, answer)
          }
          return next
        }),
      commit: () => asDependency('kafka', () => transaction.commit()),
      abort: () => asDependency('kafka', () => transaction.abort()),
    }
  }
  return {
    begin,
    transact: async (records) => {
      const transaction = await begin()
      const next = await transaction.send(records)
      await transaction.commit()
      return next
    },
    close: () => producer.disconnect(),
  }
}

/** Splits records into sends within the bounds of one batch per partition, keeping each partition's order. */
export function chunksOf(records: readonly OutgoingRecord[]): TopicMessages[][] {
  const chunks: Map<string, TopicMessages['messages']>[] = []
  const filling = new Map<string, { chunk: number; count: number; bytes: number }>()
  for (const record of records) {
    const target = `${record.topic}:${record.partition}`
    const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 64
    let fill = filling.get(target)
    if (fill === undefined) filling.set(target, (fill = { chunk: 0, count: 0, bytes: 0 }))
    if (fill.count > 0 && (fill.count >= batchRecordsMax || fill.bytes + bytes > batchBytesMax)) {
      fill.chunk += 1
      fill.count = 0
      fill.bytes = 0
    }
    fill.count += 1
    fill.bytes += bytes
    const chunk = (chunks[fill.chunk] ??= new Map<string, TopicMessages['messages']>())
    let messages = chunk.get(record.topic)
    if (messages === undefined) chunk.set(record.topic, (messages = []))
    const { partition, key, value, headers } = record
    messages.push(
      headers === undefined ? { partition, key, value } : { partition, key, value, headers },
    )
  }
  return chunks.map((chunk) => [...chunk].map(([topic, messages]) => ({ topic, messages })))
}

function assertCovered(sent: readonly TopicMessages[], answer: readonly RecordMetadata[]): void {
  const acknowledged = new Set(
    answer
      .filter(({ errorCode }) => errorCode === 0)
      .map(({ topicName, partition }) => `${topicName}:${partition}`),
  )
  for (const { topic, messages } of sent) {
    for (const { partition } of messages) {
      if (!acknowledged.has(`${topic}:${String(partition)}`)) {
        throw new Error(`no acknowledgement for ${topic}:${String(partition)}`)
      }
    }
  }
}

function noteNextOffsets(
  next: Map<string, number>,
  sent: readonly TopicMessages[],
  answer: readonly RecordMetadata[],
): void {
  const counts = new Map<string, number>()
  for (const { topic, messages } of sent) {
    for (const { partition } of messages) {
      const target = `${topic}:${String(partition)}`
      counts.set(target, (counts.get(target) ?? 0) + 1)
    }
  }
  for (const { topicName, partition, baseOffset } of answer) {
    const target = `${topicName}:${partition}`
    next.set(target, Number(baseOffset) + (counts.get(target) ?? 0))
  }
}
