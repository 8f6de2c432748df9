import { SetupError } from '../runtime/errors'
import type { Health } from '../runtime/health'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import { DependencyError } from '../runtime/errors'
import { retry } from '../runtime/retry'
import { topicNames } from './tenure'

/** @throws SetupError unless all topics of the sink exist with one partition count: its memory is per partition */
export async function assertTopics(
  admin: KafkaAdmin,
  prefix: string,
  health: Health,
): Promise<void> {
  const names = Object.values(topicNames(prefix))
  const ask = async (): Promise<Map<string, number>> => {
    try {
      return await admin.partitionCounts(names)
    } catch (error) {
      throw new DependencyError('kafka', error)
    }
  }
  const counts = await retry(ask, { health })
  const missing = names.filter((name) => !counts.has(name))
  if (missing.length > 0) {
    throw new SetupError(`no topic ${missing.join(', ')}: run npm run provision`)
  }
  if (new Set(counts.values()).size > 1) {
    const told = [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
    throw new SetupError(`topics of the erp-sink must have one partition count, but have: ${told}`)
  }
}
