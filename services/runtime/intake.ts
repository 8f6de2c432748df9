// Decides how a record that an edge has accepted becomes durable: today acknowledged by Kafka or not taken at
// all. What keeps records while Kafka is away belongs here, behind the same `keep`.
import { partitionOf } from '../core/partition'
import type { RecordCodec } from './codec'
import { DependencyError } from './errors'
import type { Health } from './health'
import type { OutgoingRecord } from './kafka'
import type { CoalescingProducer } from './kafka-coalescing'
import type { Metrics } from './metrics'

export interface Intake<Value> {
  /** Resolves 'kept' once nothing short of losing the brokers loses these records, and 'unavailable' when that
   * cannot be said in time: they may or may not have been written, and the client must send them again. */
  keep(values: readonly Value[]): Promise<'kept' | 'unavailable'>
}

export interface IntakeOptions<Value> {
  /** Full name on the broker. */
  readonly topic: string
  readonly partitions: number
  readonly keyOf: (value: Value) => string
  readonly codec: Pick<RecordCodec<Value>, 'encode'>
  readonly producer: Pick<CoalescingProducer, 'send' | 'queuedBytes'>
  /** Longest a client waits for Kafka. */
  readonly timeoutMs: number
  readonly health: Health
  readonly metrics: Metrics
}

export function createIntake<Value>(options: IntakeOptions<Value>): Intake<Value> {
  const { topic, partitions, keyOf, codec, producer, timeoutMs, health, metrics } = options
  const seconds = metrics.histogram('produce_seconds', 'Time until Kafka acknowledged')
  const batches = metrics.counter('produces_total', 'Batches handed to Kafka, by outcome', [
    'outcome',
  ])
  const records = metrics.counter('produced_records_total', 'Records Kafka acknowledged')
  const queued = metrics.gauge('queued_bytes', 'Bytes waiting for Kafka or under way')

  const outgoing = (value: Value): OutgoingRecord => {
    const key = Buffer.from(keyOf(value))
    return { topic, partition: partitionOf(key, partitions), key, value: codec.encode(value) }
  }
  return {
    async keep(values) {
      const startedAt = performance.now()
      const sent = producer.send(values.map(outgoing))
      queued.set(producer.queuedBytes())
      try {
        await within(timeoutMs, sent)
      } catch (error) {
        if (!(error instanceof DependencyError)) throw error
        health.unwell(error.dependency, error.message)
        batches.inc({ outcome: 'unavailable' })
        return 'unavailable'
      } finally {
        queued.set(producer.queuedBytes())
      }
      health.well('kafka')
      seconds.observe((performance.now() - startedAt) / 1000)
      batches.inc({ outcome: 'kept' })
      records.inc(values.length)
      return 'kept'
    },
  }
}

async function within(timeoutMs: number, sent: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DependencyError('kafka', `no acknowledgement within ${timeoutMs} ms`))
    }, timeoutMs)
  })
  try {
    await Promise.race([sent, late])
  } finally {
    clearTimeout(timer)
  }
}
