import { randomUUID } from 'node:crypto'
import { coalesce } from '../runtime/kafka-coalescing'
import { runService } from '../runtime/lifecycle'
import { retry } from '../runtime/retry'
import { kafkaFrom, registryFrom } from '../runtime/transport'
import { assertTopics } from './assert-topics'
import { catalogueSettings, sinkSettings, stateSettings, trytonSettings } from './config'
import { keepLedger } from './keep-ledger'
import { keepStock } from './keep-stock'
import { runSink } from './run-sink'
import { openCodecs } from './sink-codecs'
import { createSinkMetrics } from './sink-metrics'
import { createTrytonErp } from './tryton-erp'
import { TrytonRpc } from './tryton-rpc'

void runService('erp-sink', sinkSettings, async (service, config) => {
  const { health, logger } = service
  const metrics = createSinkMetrics(service.metrics)
  const rpc = new TrytonRpc(trytonSettings(config), { now: Date.now, called: metrics.called })
  const erp = createTrytonErp(rpc, catalogueSettings(config), Date.now)
  service.onStop(() => erp.close())
  const registry = registryFrom(config)
  const codecs = await openCodecs(registry, health)
  const kafka = kafkaFrom(config, service)
  const admin = await retry(() => kafka.connectAdmin(), { health })
  service.onStop(() => admin.close())
  await assertTopics(admin, config.TOPIC_PREFIX, health)
  const producer = coalesce(await retry(() => kafka.connectProducer(), { health }), {
    flushMs: 1,
    queueBytesMax: 67_108_864,
    sendRecordsMax: 500,
  })
  service.onStop(() => producer.close())
  const sink = await runSink({
    ...{ kafka, admin, producer, codecs, erp },
    sealKeys: config.SEAL_KEYS,
    topicPrefix: config.TOPIC_PREFIX,
    groupId: config.TOPIC_PREFIX + config.CONSUMER_GROUP,
    sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
    state: stateSettings(config),
    plan: { refundSku: config.REFUND_SKU },
    batchMax: config.ERP_BATCH_MAX,
    stockFlushMs: config.STOCK_FLUSH_MS,
    pendingMax: config.PENDING_MAX,
    health,
    logger,
    metrics,
    onCrash: (error) => {
      service.crash(error)
    },
    now: Date.now,
    newId: randomUUID,
  })
  service.onStop(() => sink.close())
  keepLedger(service, { config, sink, erp, admin })
  keepStock(service, { config, sink, erp, kafka, producer, codec: codecs.levels })
})
