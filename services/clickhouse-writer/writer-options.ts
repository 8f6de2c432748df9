// What the writer is given by its main.ts.
import type { BatchLimits } from '../core/warehouse/batch'
import type { Health } from '../runtime/health'
import type { KafkaClient, OutgoingRecord } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { Warehouse } from '../runtime/clickhouse'
import type { RowSource } from './read-rows'
import type { WriterMetrics } from './writer-metrics'

export interface WriterOptions {
  readonly kafka: KafkaClient
  readonly admin: KafkaAdmin
  readonly bury: (letters: readonly OutgoingRecord[]) => Promise<void>
  readonly warehouse: Warehouse
  readonly sources: readonly RowSource[]
  readonly groupId: string
  readonly sessionTimeoutMs: number
  /** Put before every topic's name on the broker. */
  readonly topicPrefix: string
  readonly limits: BatchLimits & {
    /** As `waitMs`, for topics that are not urgent. */
    readonly longWaitMs: number
  }
  readonly health: Health
  readonly metrics: WriterMetrics
  readonly onCrash: (error: unknown) => void
  readonly now: () => number
}
