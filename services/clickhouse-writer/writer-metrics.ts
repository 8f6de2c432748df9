// What the writer counts: records by outcome, inserts and their latency, lag, and how fresh the tables are.
import { countDeadLetters } from '../runtime/dead-letter'
import type { OutgoingRecord } from '../runtime/kafka'
import type { Metrics } from '../runtime/metrics'
import type { TopicPartition } from '../runtime/kafka-consumer'
import type { ReadRecord, RowSource } from './read-rows'

export interface WriterMetrics {
  /** A batch is in its table, or buried. */
  wrote(source: RowSource, results: readonly ReadRecord[], nowMs: number): void
  /** Kafka has these dead letters. */
  readonly buried: (letters: readonly OutgoingRecord[]) => void
  inserted(table: string, rows: number, seconds: number): void
  lag(partition: TopicPartition, records: number): void
  /** Partitions were assigned anew: what is known of lags no longer holds. */
  forgetLags(): void
}

export function createWriterMetrics(metrics: Metrics): WriterMetrics {
  const rows = metrics.counter('rows_total', 'Rows inserted', ['table'])
  const inserts = metrics.counter('inserts_total', 'Inserts; rows per insert is the batch size', [
    'table',
  ])
  const latency = metrics.histogram('insert_seconds', 'Time of one insert', ['table'])
  const freshness = metrics.histogram(
    'freshness_seconds',
    'From the moment the edge took a record over to its row here',
    ['table'],
  )
  const lag = metrics.gauge('lag_records', 'Records not yet written', ['topic', 'partition'])
  return {
    buried: countDeadLetters(metrics, ['clickhouse-writer']),
    wrote: (source, results, nowMs) => {
      for (const { rejected, row, ledgerRow, acceptedAtMs } of results) {
        const nothing = row === null && ledgerRow === null
        const outcome = rejected !== null ? 'dead_letter' : nothing ? 'tombstone' : 'written'
        metrics.records.inc({ stage: source.topic, outcome, reason: rejected?.rejected ?? '' })
        if (acceptedAtMs === null || rejected !== null) continue
        freshness.observe({ table: source.table }, Math.max(0, nowMs - acceptedAtMs) / 1_000)
      }
    },
    inserted: (table, count, seconds) => {
      rows.inc({ table }, count)
      inserts.inc({ table })
      latency.observe({ table }, seconds)
    },
    lag: ({ topic, partition }, records) => {
      lag.set({ topic, partition: String(partition) }, records)
    },
    forgetLags: () => {
      lag.reset()
    },
  }
}
