// What the command works with: the broker, the registry and ClickHouse of one installation.
import { userInfo, hostname } from 'node:os'
import {
  migrateSettings,
  warehouseLayout,
  writerSettings,
} from '../../services/clickhouse-writer/config'
import { deadLettersTopic, topics } from '../../services/core/topics'
import type { WarehouseLayout } from '../../services/core/warehouse/migration'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { kafkaSettings, loadConfig } from '../../services/runtime/config'
import { edgeSettings } from '../../services/runtime/edge-settings'
import { SetupError } from '../../services/runtime/errors'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import { createLogger } from '../../services/runtime/logger'
import { kafkaFrom, registryFrom } from '../../services/runtime/transport'
import { warehouseOptions } from '../../services/runtime/warehouse-settings'
import type { Desk } from '../dead-letters/desk'
import type { HashSettings } from './identify'

export interface Parts extends Desk {
  readonly admin: KafkaAdmin
  readonly warehouse: Warehouse
  readonly layout: WarehouseLayout
  /** Consumer group of the clickhouse-writer. */
  readonly writerGroup: string
}

const settings = {
  ...kafkaSettings,
  ...migrateSettings,
  CONSUMER_GROUP: writerSettings.CONSUMER_GROUP,
}

const hashSettings = {
  IDENTIFIER_HASH_KEY: edgeSettings.IDENTIFIER_HASH_KEY,
  DEFAULT_COUNTRY: edgeSettings.DEFAULT_COUNTRY,
}

/** A change of a large table takes its time; what is cut off goes on in the server. */
const changeMs = 3_600_000

/** @throws SetupError when the key of the hashes is not given */
export function readHashSettings(environment: NodeJS.ProcessEnv): HashSettings {
  return loadConfig(hashSettings, environment)
}

/** @throws SetupError when settings are wrong or the topics are not there */
export async function connectParts(environment: NodeJS.ProcessEnv): Promise<Parts> {
  const config = loadConfig(settings, environment)
  const name = 'forget'
  const kafka = kafkaFrom(config, { name, logger: createLogger(name, 'warn') })
  const prefix = config.TOPIC_PREFIX
  const warehouse = connectWarehouse({ ...warehouseOptions(config), timeoutMs: changeMs })
  const admin = await kafka.connectAdmin()
  const reader = await kafka.connectReader()
  const names = [topics.journeyFacts.name, deadLettersTopic.name].map((topic) => prefix + topic)
  const counts = await admin.partitionCounts(names)
  const partitions = counts.get(prefix + topics.journeyFacts.name)
  if (partitions === undefined) {
    throw new SetupError(`no topic ${names.join(', ')}: is this the installation you mean?`)
  }
  return {
    ...{ kafka, admin, reader, warehouse, prefix, partitions },
    registry: registryFrom(config),
    layout: warehouseLayout(config),
    writerGroup: prefix + config.CONSUMER_GROUP,
    by: `${userInfo().username}@${hostname()}`,
    close: async () => {
      await reader.close()
      await admin.close()
      await warehouse.close()
    },
  }
}
