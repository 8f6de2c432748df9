// Dead letters that wait for somebody, shown to Prometheus. A counter of burials cannot tell whether they were seen to.
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Warehouse } from '../runtime/clickhouse'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { Metrics } from '../runtime/metrics'

export interface LettersWatchOptions {
  readonly warehouse: Pick<Warehouse, 'query' | 'database'>
  readonly admin: Pick<KafkaAdmin, 'bounds'>
  /** Of the dead letters, in full. */
  readonly topic: string
  readonly metrics: Metrics
}

interface OpenLetters {
  readonly stage: string
  readonly reason: string
  readonly letters: number
}

/** One look after another. @throws DependencyError */
export function createLettersWatch(options: LettersWatchOptions): () => Promise<void> {
  const { warehouse, admin, topic, metrics } = options
  const open = metrics.gauge('open_dead_letters', 'Dead letters neither replayed nor dropped', [
    'stage',
    'reason',
  ])
  return async () => {
    const [bounds] = await admin.bounds(topic)
    // What the topic has let go can be neither replayed nor dropped: an alarm could never end.
    const found = await warehouse.query<OpenLetters>(
      `SELECT stage, reason, count() AS letters
       FROM ${quoteIdentifier(warehouse.database)}.dead_letters_current
       WHERE state = 'open' AND buried_offset >= {low:Int64} GROUP BY stage, reason`,
      { low: bounds?.low ?? 0 },
    )
    open.reset()
    for (const { stage, reason, letters } of found) open.set({ stage, reason }, letters)
  }
}
