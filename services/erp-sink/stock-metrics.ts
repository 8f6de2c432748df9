import type { Metrics } from '../runtime/metrics'

export interface StockMetrics {
  readonly published: (outcome: 'changed' | 'withdrawn', levels: number) => void
  /** The whole stock was read. */
  read(atMs: number): void
  failed(): void
}

export function createStockMetrics(metrics: Metrics): StockMetrics {
  const levels = metrics.counter('stock_levels_total', 'Stock levels published, by why', [
    'outcome',
  ])
  const readings = metrics.counter('stock_readings_total', 'Readings of the ERP stock', ['outcome'])
  const readAt = metrics.gauge(
    'stock_read_timestamp_seconds',
    'When this process last read all of the ERP stock; 0 where it never did',
  )
  return {
    published: (outcome, count) => {
      levels.inc({ outcome }, count)
    },
    read: (atMs) => {
      readings.inc({ outcome: 'done' })
      readAt.set(atMs / 1_000)
    },
    failed: () => {
      readings.inc({ outcome: 'failed' })
    },
  }
}
