// What the sink is made of; main.ts puts it together.
import type { PlanSettings } from '../core/erp/delivery-plan'
import type { Health } from '../runtime/health'
import type { KafkaClient } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { CoalescingProducer } from '../runtime/kafka-coalescing'
import type { Logger } from '../runtime/logger'
import type { SealKeys } from '../runtime/seal'
import type { ErpPort } from './erp-port'
import type { StateSettings } from './partition-state'
import type { SinkCodecs } from './sink-codecs'
import type { SinkMetrics } from './sink-metrics'

export interface SinkOptions {
  readonly kafka: KafkaClient
  readonly admin: KafkaAdmin
  readonly producer: CoalescingProducer
  readonly codecs: SinkCodecs
  readonly erp: ErpPort
  readonly sealKeys: SealKeys
  readonly topicPrefix: string
  readonly groupId: string
  readonly sessionTimeoutMs: number
  readonly state: StateSettings
  readonly plan: PlanSettings
  /** Most orders in one delivery. */
  readonly batchMax: number
  readonly stockFlushMs: number
  /** Most orders of a partition that wait; beyond, reading pauses. */
  readonly pendingMax: number
  readonly health: Health
  readonly logger: Logger
  readonly metrics: SinkMetrics
  readonly onCrash: (error: unknown) => void
  readonly now: () => number
  /** Unlike any other of any process. */
  readonly newId: () => string
}
