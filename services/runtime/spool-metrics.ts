import type { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from './metrics'

export interface SpoolMetrics {
  readonly bytes: Gauge
  readonly bytesMax: Gauge
  readonly records: Gauge
  /** Seconds since the epoch, 0 when empty: its age is `time()` minus it, however long nothing happens here. */
  readonly oldest: Gauge
  readonly torn: Counter
  readonly damaged: Counter
  readonly fsyncSeconds: Histogram
}

export function createSpoolMetrics(metrics: Metrics): SpoolMetrics {
  return {
    bytes: metrics.gauge('spool_bytes', 'Bytes in the spool'),
    bytesMax: metrics.gauge('spool_max_bytes', 'Most bytes the spool may hold'),
    records: metrics.gauge('spool_records', 'Records in the spool, not yet in Kafka'),
    oldest: metrics.gauge(
      'spool_oldest_timestamp_seconds',
      'When the oldest record in the spool was accepted; 0 when there is none',
    ),
    torn: metrics.counter(
      'spool_torn_total',
      'Last records cut off by a crash, never acknowledged, dropped',
    ),
    damaged: metrics.counter(
      'spool_damaged_total',
      'Damaged stretches of the spool put aside in its quarantine',
    ),
    fsyncSeconds: metrics.histogram('spool_fsync_seconds', 'Time of a flush of the spool to disk'),
  }
}
