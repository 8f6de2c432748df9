// The changelog partition of a task, on Kafka: one transactional producer per stage and partition.
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import type { StageMark as MarkRecord } from '../core/records'
import type { RecordCodec } from '../runtime/codec'
import { DependencyError } from '../runtime/errors'
import type { KafkaClient } from '../runtime/kafka'
import type { TransactionalProducer } from '../runtime/kafka-producer'
import { emptyMark, markRecord, type StageLog } from './ports'

/** Changelog keys of the runtime's own marks; a state key always holds a space, these do not. */
export const markKeys = { mark: 'mark', owner: 'owner' } as const

interface StageLogOptions {
  readonly kafka: KafkaClient
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  /** The changelog's name on the broker, and the partition. */
  readonly changelog: string
  readonly partition: number
  readonly marks: RecordCodec<MarkRecord>
}

export function kafkaStageLog(options: StageLogOptions): StageLog {
  const { kafka, transactionalId, transactionTimeoutMs, changelog, partition, marks } = options
  const target = `${changelog}:${partition}`
  let producer: TransactionalProducer | null = null
  return {
    // Connecting fences nobody: only beginning a transaction does. So an owner record is written, and
    // where it lies is where the changelog ends for us, whatever control records surround it.
    async open() {
      producer = await kafka.connectTransactionalProducer({ transactionalId, transactionTimeoutMs })
      const owner = markRecord(emptyMark, randomUUID())
      const record = {
        topic: changelog,
        partition,
        key: markKeys.owner,
        value: marks.encode(owner),
      }
      const next = (await producer.transact([record])).get(target)
      assert(next !== undefined, 'the owner record was acknowledged without an offset')
      return next - 1
    },
    async commit(records) {
      if (producer === null) throw new DependencyError('kafka', 'the log is not open')
      return (await producer.transact(records)).get(target) ?? null
    },
    async close() {
      await producer?.close()
      producer = null
    },
  }
}
