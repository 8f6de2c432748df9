import { topology } from '../core/topology'
import { runService } from '../runtime/lifecycle'
import { lockDirectory } from '../runtime/lock-directory'
import { retry } from '../runtime/retry'
import { kafkaFrom, registryFrom } from '../runtime/transport'
import { runnerLimits, streamProcessorSettings, walkLimits } from './config'
import { openCensuses } from './count-state'
import { runStage } from './run-stage'
import { parseSettings, readSettings, type NumberedSettings } from './settings'
import type { AnyStage } from './stage-batch'
import { stageMetrics } from './stage-metrics'
import { fixedRules, type StageRules } from './stage-rules'

void runService('stream-processor', streamProcessorSettings, async (service, config) => {
  const rules = stageRules(readSettings(config.ATTRIBUTION_SETTINGS))
  service.onStop(await lockDirectory(config.STATE_DIRECTORY, 'STATE_DIRECTORY'))
  const kafka = kafkaFrom(config, service)
  const { health } = service
  const admin = await retry(() => kafka.connectAdmin(), { health })
  service.onStop(() => admin.close())
  const censusOf = await openCensuses(service, config, admin)
  const registry = registryFrom(config)
  const metrics = stageMetrics(service.metrics, ['journey', 'stock'])
  for (const of of rules) {
    const stop = await retry(
      () =>
        runStage(of, {
          ...{ service, kafka, admin, registry, metrics },
          prefix: config.TOPIC_PREFIX,
          stateDirectory: config.STATE_DIRECTORY,
          sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
          storeMaxAgeMs: config.STORE_MAX_AGE_MS,
          transactionTimeoutMs: config.TRANSACTION_TIMEOUT_MS,
          housekeepingMs: config.HOUSEKEEPING_MS,
          ...{ limits: runnerLimits(config), walk: walkLimits(config) },
          openCensus: censusOf(of.stageUnder(of.text).name),
        }),
      { health },
    )
    service.onStop(stop)
  }
})

/** Every stage of the topology with the settings it depends on. */
function stageRules(settings: NumberedSettings): StageRules[] {
  const stageUnder = (text: string): AnyStage =>
    topology(parseSettings(text)).journey as unknown as AnyStage
  const { stock } = topology(parseSettings(settings.text))
  return [{ ...settings, stageUnder }, fixedRules(stock as unknown as AnyStage)]
}
