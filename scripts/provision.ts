// Creates the topics and registers the schemas of this version; `npm run provision`. Repeating it changes nothing.
import { kafkaSettings, limit, loadConfig } from '../services/runtime/config'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { createLogger } from '../services/runtime/logger'
import { provision } from '../services/runtime/provision'
import { kafkaFrom, registryFrom } from '../services/runtime/transport'
import { addressed } from './addressed'

const settings = {
  ...kafkaSettings,
  PARTITIONS: limit(4, { max: 4_096 }).describe('Count of the co-partitioned topics, chosen once'),
}

async function main(): Promise<void> {
  const config = loadConfig(settings, addressed())
  const kafka = kafkaFrom(config, { name: 'provision', logger: createLogger('provision', 'warn') })
  const admin = await kafka.connectAdmin()
  const { created, completed, subjects } = await provision({
    admin,
    registry: registryFrom(config),
    prefix: config.TOPIC_PREFIX,
    partitions: config.PARTITIONS,
  })
  await admin.close()
  console.log(`topics created: ${created.join(', ') || 'none, all are there'}`)
  if (completed.length > 0) {
    console.log(`topics given settings they lacked: ${completed.join(', ')}`)
  }
  console.log(`schemas registered: ${subjects.length}`)
}

main().catch((error: unknown) => {
  const known = error instanceof SetupError || error instanceof DependencyError
  console.error(known ? error.message : error)
  process.exit(1)
})
