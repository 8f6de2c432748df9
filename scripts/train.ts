// Trains the data-driven models now, whatever the schedule says: `npm run train`. Times are ISO 8601:
//   -- --until <time>       journeys that ended before then are learnt from; now, unless told
//   -- --since <time>       and from then on; TRAIN_WINDOW_MS before
//   -- --starting <time>    orders that converted from then on are credited by it, at most 14 days back; TRAIN_LEAD_MS from now
import { parseArgs } from 'node:util'
import { trainingSettings } from '../services/model-trainer/config'
import { trainOnce } from '../services/model-trainer/train-once'
import { trainedLateMaxMs } from '../services/core/retention'
import { connectWarehouse } from '../services/runtime/clickhouse'
import { loadConfig } from '../services/runtime/config'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { createLogger } from '../services/runtime/logger'
import { kafkaFrom, registryFrom } from '../services/runtime/transport'
import { warehouseOptions } from '../services/runtime/warehouse-settings'
import { addressed } from './addressed'

async function train(): Promise<boolean> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { since: text, until: text, starting: text } })
  const config = loadConfig(trainingSettings, addressed())
  const now = Date.now()
  const to = timeOf('until', values.until) ?? now
  const validFrom = timeOf('starting', values.starting) ?? now + config.TRAIN_LEAD_MS
  if (validFrom < now - trainedLateMaxMs) {
    throw new SetupError('--starting lies more than 14 days back: such a model is refused')
  }
  const warehouse = connectWarehouse(warehouseOptions(config))
  try {
    const { trainings, journeys, conversions } = await trainOnce({
      kafka: kafkaFrom(config, { name: 'train', logger: createLogger('train', 'warn') }),
      registry: registryFrom(config),
      ...{ prefix: config.TOPIC_PREFIX, warehouse, trainedAt: now, validFrom, to },
      from: timeOf('since', values.since) ?? to - config.TRAIN_WINDOW_MS,
      timeoutMs: config.TRAIN_TIMEOUT_MS,
      conversionsMin: config.TRAIN_CONVERSIONS_MIN,
      channelsMax: config.TRAIN_CHANNELS_MAX,
      clicksBeforeViews: config.TRAIN_CLICKS_BEFORE_VIEWS,
    })
    console.log(`${journeys} journeys ended in the window, ${conversions} of them in an order`)
    for (const { model, version, valid_from, effects } of trainings) {
      console.log(`\n${model} ${version}, from ${new Date(valid_from).toISOString()} on`)
      for (const { channel, effect_ppb, weight_ppb } of effects) {
        const [effect, weight] = [effect_ppb, weight_ppb].map((ppb) => (ppb / 1e7).toFixed(2))
        console.log(`  ${channel.padEnd(30)} effect ${effect ?? ''} %, weight ${weight ?? ''} %`)
      }
    }
    if (trainings.length === 0) {
      console.log(`not trained: fewer than ${Math.max(1, config.TRAIN_CONVERSIONS_MIN)} orders`)
    }
    return trainings.length > 0
  } finally {
    await warehouse.close()
  }
}

function timeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new SetupError(`--${name} ${text}: must be a time in ISO 8601`)
  return at
}

train()
  .then((trained) => {
    process.exitCode = trained ? 0 : 1
  })
  .catch((error: unknown) => {
    const known = error instanceof SetupError || error instanceof DependencyError
    console.error(known ? error.message : error)
    process.exitCode = 1
  })
