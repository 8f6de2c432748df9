// Producers. kafkajs's idempotent producer rolls its sequence back after a failed send and may then have a
// different batch acknowledged as a duplicate, of a later send or of one made meanwhile; its send may resolve with
// partitions missing when a leader moves between two tries; its sequence wraps to 0 wherever it passes 2^31; its
// transactional producer is stuck after a failed commit. So: one send at a time, every answer checked for every
// partition sent, and a producer that has failed or sent much is thrown away.
import type { Producer as KafkajsProducer } from 'kafkajs'
import { DependencyError } from './errors'
import { closeClient, cutOnTimeout, type OneClient, type OpenClient } from './kafka-client'
import type { OutgoingRecord } from './kafka-records'
import { sendsOf } from './kafka-sends'

/** Sequences are counted per partition and end at 2^31: half of that for all partitions together is safe. */
const producerRecordsMax = 2 ** 30

export interface Producer {
  /** Resolves once all replicas have every record; calls take turns.
   * @throws DependencyError; the records may or may not have been written then */
  send(records: readonly OutgoingRecord[]): Promise<void>
  close(): Promise<void>
}

export interface TransactionalProducerOptions {
  readonly transactionalId: string
  /** The broker aborts an orphaned transaction after this long; until then it holds back every reader. */
  readonly transactionTimeoutMs: number
  /** How many records it may send before it must be replaced. */
  readonly recordsMax?: number
}

export interface TransactionalProducer {
  /**
   * Writes all records or none, and fences older producers of the same id.
   * @returns the next offset of each `topic:partition` written, commit marker not counted
   * @throws DependencyError; the outcome is unknown then, and the producer must be closed and replaced: it does
   * nothing any more. It also asks so to be replaced when it has sent much: only whoever owns the state may fence.
   */
  transact(records: readonly OutgoingRecord[]): Promise<Map<string, number>>
  /** The same, step by step. */
  begin(): Promise<OpenTransaction>
  close(): Promise<void>
}

interface OpenTransaction {
  /** @returns the next offset of each `topic:partition` written */
  send(records: readonly OutgoingRecord[]): Promise<Map<string, number>>
  commit(): Promise<void>
  abort(): Promise<void>
}

interface OpenProducer {
  readonly inner: KafkajsProducer
  readonly client: OneClient
  sent: number
}

export async function connectPlainProducer(
  open: OpenClient,
  recordsMax = producerRecordsMax,
): Promise<Producer> {
  const connect = async (): Promise<OpenProducer> => {
    const client = open()
    const inner = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    })
    cutOnTimeout(inner, client)
    await inner.connect().catch(discardOnFailure(inner, client))
    return { inner, client, sent: 0 }
  }
  let current: OpenProducer | null = await connect()
  const discard = (used: OpenProducer): void => {
    current = null
    used.client.acted('producer_replaced')
    discardProducer(used)
  }
  const inTurn = takeTurns()
  return {
    send: (records) =>
      inTurn(async () => {
        try {
          if (current !== null && current.sent + records.length > recordsMax) discard(current)
          const used = (current ??= await connect())
          used.sent += records.length
          for (const one of sendsOf(records)) {
            one.assertCovered(await used.inner.sendBatch({ acks: -1, topicMessages: one.messages }))
          }
        } catch (error) {
          if (current !== null) discard(current)
          throw new DependencyError('kafka', error)
        }
      }),
    close: () =>
      inTurn(async () => {
        if (current !== null) await disconnect(current)
        current = null
      }),
  }
}

export async function connectTransactionalProducer(
  open: OpenClient,
  options: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const { transactionalId, transactionTimeoutMs, recordsMax = producerRecordsMax } = options
  const client = open()
  const inner = client.kafka.producer({
    transactionalId,
    transactionTimeout: transactionTimeoutMs,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  })
  cutOnTimeout(inner, client)
  await inner.connect().catch(discardOnFailure(inner, client))
  let sent = 0
  let failed = false
  // After a failure kafkajs would still commit what it has sent, or say for ever that it is committing.
  const unlessFailed = async <T>(step: () => Promise<T>): Promise<T> => {
    if (failed) throw new DependencyError('kafka', `a producer of ${transactionalId} is used up`)
    try {
      return await step()
    } catch (error) {
      failed = true
      throw new DependencyError('kafka', error)
    }
  }
  const begin = (): Promise<OpenTransaction> =>
    unlessFailed(async () => {
      if (sent > recordsMax) throw new Error(`${transactionalId}: ${sent} records sent`)
      const transaction = await inner.transaction()
      return {
        send: (records) =>
          unlessFailed(async () => {
            sent += records.length
            const next = new Map<string, number>()
            for (const one of sendsOf(records)) {
              const answer = await transaction.sendBatch({ acks: -1, topicMessages: one.messages })
              one.assertCovered(answer)
              one.noteNextOffsets(next, answer)
            }
            return next
          }),
        commit: () => unlessFailed(() => transaction.commit()),
        abort: () => unlessFailed(() => transaction.abort()),
      }
    })
  return {
    begin,
    transact: async (records) => {
      const transaction = await begin()
      const next = await transaction.send(records)
      await transaction.commit()
      return next
    },
    close: () => disconnect({ inner, client }),
  }
}

/** Runs actions one after the other, each whether or not the one before failed. */
function takeTurns(): <T>(action: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const mine = last.then(action, action)
    last = mine.catch(() => undefined)
    return mine
  }
}

function disconnect({ inner, client }: Omit<OpenProducer, 'sent'>): Promise<void> {
  return closeClient(() => inner.disconnect(), client)
}

/** Nobody waits for it, and what it says when it goes does not matter. */
function discardProducer(producer: Omit<OpenProducer, 'sent'>): void {
  disconnect(producer).catch(() => undefined)
}

function discardOnFailure(inner: KafkajsProducer, client: OneClient): (error: unknown) => never {
  return (error) => {
    discardProducer({ inner, client })
    throw error
  }
}
