import { topology } from '../core/topology'
import { runService } from '../runtime/lifecycle'
import { lockDirectory } from '../runtime/lock-directory'
import { retry } from '../runtime/retry'
import { kafkaFrom, registryFrom } from '../runtime/transport'
import { streamProcessorSettings } from './config'
import { runStage } from './run-stage'
import { readSettings } from './settings'
import type { AnyStage } from './stage-batch'
import { stageMetrics } from './stage-metrics'

void runService('stream-processor', streamProcessorSettings, async (service, config) => {
  const stages = topology(readSettings(config.ATTRIBUTION_SETTINGS))
  service.onStop(lockDirectory(config.STATE_DIRECTORY, 'STATE_DIRECTORY'))
  const kafka = kafkaFrom(config, service)
  const { health } = service
  const admin = await retry(() => kafka.connectAdmin(), { health })
  service.onStop(() => admin.close())
  const registry = registryFrom(config)
  const metrics = stageMetrics(service.metrics)
  for (const stage of Object.values(stages) as unknown as AnyStage[]) {
    const stop = await retry(
      () =>
        runStage(stage, {
          ...{ service, kafka, admin, registry, metrics },
          prefix: config.TOPIC_PREFIX,
          stateDirectory: config.STATE_DIRECTORY,
          sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
          storeMaxAgeMs: config.STORE_MAX_AGE_MS,
          transactionTimeoutMs: config.TRANSACTION_TIMEOUT_MS,
          limits: {
            batchRecordsMax: config.BATCH_RECORDS_MAX,
            queueRecordsMax: config.QUEUE_RECORDS_MAX,
            queueBytesMax: config.QUEUE_BYTES_MAX,
          },
        }),
      { health },
    )
    service.onStop(stop)
  }
})
