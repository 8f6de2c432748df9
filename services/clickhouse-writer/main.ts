import { connectWarehouse } from '../runtime/clickhouse'
import { coalesce } from '../runtime/kafka-coalescing'
import { runService } from '../runtime/lifecycle'
import { retry } from '../runtime/retry'
import { kafkaFrom, registryFrom } from '../runtime/transport'
import { warehouseOptions } from '../runtime/warehouse-settings'
import { writerSettings } from './config'
import { keepLedger } from './keep-ledger'
import { assertMigrated } from './migrations'
import { openSources } from './read-rows'
import { runWriter } from './run-writer'
import { createWriterMetrics } from './writer-metrics'

void runService('clickhouse-writer', writerSettings, async (service, config) => {
  const { health, metrics } = service
  const warehouse = connectWarehouse(warehouseOptions(config))
  service.onStop(() => warehouse.close())
  await retry(() => assertMigrated(warehouse), { health })

  const registry = registryFrom(config)
  const sources = await openSources((topic) => retry(() => registry.topicCodec(topic), { health }))

  const kafka = kafkaFrom(config, service)
  const admin = await retry(() => kafka.connectAdmin(), { health })
  service.onStop(() => admin.close())
  const deadLetters = coalesce(await retry(() => kafka.connectProducer(), { health }), {
    flushMs: 1,
    queueBytesMax: 67_108_864,
    sendRecordsMax: 500,
  })
  service.onStop(() => deadLetters.close())

  const writer = await runWriter({
    kafka,
    admin,
    bury: (letters) => deadLetters.send(letters),
    warehouse,
    sources,
    groupId: config.TOPIC_PREFIX + config.CONSUMER_GROUP,
    sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
    topicPrefix: config.TOPIC_PREFIX,
    limits: {
      recordsMax: config.BATCH_ROWS_MAX,
      bytesMax: config.BATCH_BYTES_MAX,
      waitMs: config.BATCH_WAIT_MS,
      longWaitMs: config.BATCH_WAIT_LONG_MS,
    },
    health,
    metrics: createWriterMetrics(metrics),
    onCrash: (error) => {
      service.crash(error)
    },
    now: Date.now,
  })
  service.onStop(() => writer.close())
  keepLedger(service, { warehouse, admin, writer, settings: config })
})
