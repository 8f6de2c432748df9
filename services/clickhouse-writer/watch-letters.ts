// Dead letters that wait for somebody, shown to Prometheus. A counter of burials cannot tell whether they were seen to.
import type { Warehouse } from '../runtime/clickhouse'
import type { Metrics } from '../runtime/metrics'

interface OpenLetters {
  readonly stage: string
  readonly reason: string
  readonly letters: number
}

/** One look after another. @throws DependencyError */
export function createLettersWatch(warehouse: Warehouse, metrics: Metrics): () => Promise<void> {
  const open = metrics.gauge('open_dead_letters', 'Dead letters neither replayed nor dropped', [
    'stage',
    'reason',
  ])
  return async () => {
    const found = await warehouse.query<OpenLetters>(
      `SELECT stage, reason, count() AS letters FROM ${warehouse.database}.dead_letters_current
       WHERE state = 'open' GROUP BY stage, reason`,
    )
    open.reset()
    for (const { stage, reason, letters } of found) open.set({ stage, reason }, letters)
  }
}
