import { connectWarehouse } from '../runtime/clickhouse'
import { runService } from '../runtime/lifecycle'
import { kafkaFrom, registryFrom } from '../runtime/transport'
import { warehouseOptions } from '../runtime/warehouse-settings'
import { trainerSettings } from './config'
import { runTrainer } from './run-trainer'
import { trainOnce } from './train-once'
import { createTrainerMetrics } from './trainer-metrics'

void runService('model-trainer', trainerSettings, (service, config) => {
  const warehouse = connectWarehouse(warehouseOptions(config))
  service.onStop(() => warehouse.close())
  const publishing = {
    kafka: kafkaFrom(config, service),
    registry: registryFrom(config),
    prefix: config.TOPIC_PREFIX,
  }
  const stop = runTrainer({
    ...{ service, warehouse, now: Date.now },
    metrics: createTrainerMetrics(service.metrics),
    intervalMs: config.TRAIN_INTERVAL_MS,
    checkMs: config.TRAIN_CHECK_MS,
    train: (at) =>
      trainOnce({
        ...{ ...publishing, warehouse, trainedAt: at, validFrom: at + config.TRAIN_LEAD_MS },
        ...{ from: at - config.TRAIN_WINDOW_MS, to: at, timeoutMs: config.TRAIN_TIMEOUT_MS },
        conversionsMin: config.TRAIN_CONVERSIONS_MIN,
        channelsMax: config.TRAIN_CHANNELS_MAX,
        clicksBeforeViews: config.TRAIN_CLICKS_BEFORE_VIEWS,
      }),
  })
  service.onStop(stop)
  return Promise.resolve()
})
