// Creates the topics and registers the schemas of this version; `npm run provision`. Repeating it changes nothing.
import { connectRegistry } from '../services/runtime/codec'
import { kafkaSettings, limit, loadConfig } from '../services/runtime/config'
import { SetupError } from '../services/runtime/errors'
import { createKafka } from '../services/runtime/kafka'
import { createLogger } from '../services/runtime/logger'
import { provision } from '../services/runtime/provision'

const settings = {
  ...kafkaSettings,
  PARTITIONS: limit(4, { max: 4_096 }).describe('Count of the co-partitioned topics, chosen once'),
}

async function main(): Promise<void> {
  const config = loadConfig(settings)
  const kafka = createKafka({
    brokers: config.KAFKA_BROKERS,
    clientId: 'provision',
    logger: createLogger('provision', 'warn'),
  })
  const admin = await kafka.connectAdmin()
  const { created, subjects } = await provision({
    admin,
    registry: connectRegistry(config.REGISTRY_URL, config.TOPIC_PREFIX),
    prefix: config.TOPIC_PREFIX,
    partitions: config.PARTITIONS,
  })
  await admin.close()
  console.log(`topics created: ${created.join(', ') || 'none, all are there'}`)
  console.log(`schemas registered: ${subjects.length}`)
}

main().catch((error: unknown) => {
  console.error(error instanceof SetupError ? error.message : error)
  process.exit(1)
})
