import { countDeadLetters } from '../runtime/dead-letter'
import type { OutgoingRecord } from '../runtime/kafka'
import type { Metrics } from '../runtime/metrics'
import type { CallReport } from './tryton-rpc'

export interface SinkMetrics {
  read(topic: string, outcome: string, reason?: string): void
  readonly called: (report: CallReport) => void
  /** Kafka has these dead letters. */
  readonly buried: (letters: readonly OutgoingRecord[]) => void
  delivered(kind: 'order' | 'delta', outcome: 'delivered' | 'refused', seconds: number): void
  /** What is owed to the ERP now. */
  owed(documents: number, oldestSeconds: number): void
  /** SKUs with reserved pieces that the ERP has no product for. */
  unknownSkus(partition: number, warehouse: string, count: number): void
}

export function createSinkMetrics(metrics: Metrics): SinkMetrics {
  const calls = metrics.histogram('erp_call_seconds', 'Calls to the ERP', ['method', 'outcome'])
  const documents = metrics.counter('documents_total', 'Documents by what became of them', [
    'kind',
    'outcome',
  ])
  const latency = metrics.histogram(
    'delivery_seconds',
    'From acceptance of an order, or from planning of a delta, to the ERP holding it',
    ['kind'],
  )
  const pending = metrics.gauge('pending_documents', 'Orders owed to the ERP')
  const oldest = metrics.gauge('oldest_undelivered_seconds', 'Age of the order owed longest')
  const unknown = metrics.gauge('unknown_skus', 'Reserved SKUs the ERP has no product for', [
    'partition',
    'warehouse',
  ])
  return {
    buried: countDeadLetters(metrics, ['erp-sink']),
    read: (stage, outcome, reason = '') => {
      metrics.records.inc({ stage, outcome, reason })
    },
    called: ({ method, outcome, durationMs }) => {
      calls.observe({ method, outcome }, durationMs / 1_000)
    },
    delivered: (kind, outcome, seconds) => {
      documents.inc({ kind, outcome })
      if (outcome === 'delivered') latency.observe({ kind }, seconds)
    },
    owed: (count, oldestSeconds) => {
      pending.set(count)
      oldest.set(oldestSeconds)
    },
    unknownSkus: (partition, warehouse, count) => {
      unknown.set({ partition: String(partition), warehouse }, count)
    },
  }
}
