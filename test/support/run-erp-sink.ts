// The sink in this process, on the topics of a test's own installation and on whatever ERP it is given.
import { randomUUID } from 'node:crypto'
import type { Registry } from 'prom-client'
import type { ErpPort } from '../../services/erp-sink/erp-port'
import { runSink, type Sink } from '../../services/erp-sink/run-sink'
import { openCodecs } from '../../services/erp-sink/sink-codecs'
import type { SinkOptions } from '../../services/erp-sink/sink-options'
import { createSinkMetrics } from '../../services/erp-sink/sink-metrics'
import { createHealth, type Health } from '../../services/runtime/health'
import { coalesce } from '../../services/runtime/kafka-coalescing'
import { createLogger } from '../../services/runtime/logger'
import { createMetrics } from '../../services/runtime/metrics'
import { settings } from '../core/erp/given'
import type { TestBroker } from './broker'

export interface RunningSink extends Sink {
  readonly health: Health
  readonly metrics: Registry
  readonly crashes: unknown[]
}

export async function runTestSink(
  broker: TestBroker,
  erp: ErpPort,
  changes: Partial<SinkOptions> & { readonly settleMs?: number } = {},
): Promise<RunningSink> {
  const { settleMs = 0, ...options } = changes
  const health = createHealth(() => undefined)
  const metrics = createMetrics('erp-sink')
  const crashes: unknown[] = []
  const producer = coalesce(await broker.kafka.connectProducer(), {
    flushMs: 1,
    queueBytesMax: 1_000_000,
    sendRecordsMax: 500,
  })
  const sink = await runSink({
    kafka: broker.kafka,
    admin: await broker.admin(),
    producer,
    codecs: await openCodecs(broker.registry, health),
    erp,
    sealKeys: new Map(),
    topicPrefix: broker.prefix,
    groupId: `${broker.prefix}erp-sink`,
    sessionTimeoutMs: 6_000,
    state: { document: settings, settleMs, rememberedMax: 1_000, ownerTimeoutMs: 500 },
    plan: { refundSku: 'REFUND' },
    batchMax: 20,
    stockFlushMs: 50,
    pendingMax: 1_000,
    health,
    logger: createLogger('test', 'silent'),
    metrics: createSinkMetrics(metrics),
    onCrash: (error) => crashes.push(error),
    now: Date.now,
    newId: randomUUID,
    ...options,
  })
  health.started()
  return {
    health,
    metrics: metrics.registry,
    crashes,
    owns: (partition) => sink.owns(partition),
    close: async () => {
      await sink.close()
      await producer.close()
    },
  }
}
