// Tells the ledger how far the topics of the edges have been read: up to when everything that Kafka had taken is
// in topic_records. Only then can something be missing there.
import type { LedgerKind } from '../core/ledger/tally'
import type { Warehouse } from '../runtime/clickhouse'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { TopicPartition } from '../runtime/kafka-consumer'
import { tellLedger } from '../runtime/ledger'

export interface MarkOptions {
  readonly warehouse: Pick<Warehouse, 'insert' | 'query'>
  readonly admin: Pick<KafkaAdmin, 'bounds'>
  /** Full names on the broker. */
  readonly topics: readonly { readonly topic: string; readonly kind: LedgerKind }[]
  /** The next offset to be written of a partition; null where it is not ours. */
  readonly writtenUpTo: (partition: TopicPartition) => number | null
}

interface Sighted {
  /** By ClickHouse's clock, as every time the ledger compares. */
  readonly at: string
  /** Where the partition ended then. */
  readonly end: number
}

/**
 * Marks every partition that has been written as far as it reached when it was asked last, then asks again.
 * @throws DependencyError
 */
export function createTopicMarks(options: MarkOptions): () => Promise<void> {
  const sighted = new Map<string, Sighted>()
  return async () => {
    const [clock] = await options.warehouse.query<{ at: string }>(
      "SELECT toString(now64(3, 'UTC')) AS at",
    )
    if (clock === undefined) return
    const marks: { station: string; part: string; looked_at: string; detail: string }[] = []
    for (const { topic, kind } of options.topics) {
      const bounds = await options.admin.bounds(topic)
      for (const { partition, high } of bounds) {
        const part = `${topic}-${partition}`
        const written = options.writtenUpTo({ topic, partition })
        if (written === null) {
          sighted.delete(part)
          continue
        }
        const now = { at: clock.at, end: high }
        const earlier = sighted.get(part)
        sighted.set(part, now)
        const reached = [now, earlier].find((one) => one !== undefined && one.end <= written)
        if (reached === undefined) continue
        const detail = JSON.stringify({ kind, partitions: bounds.length })
        marks.push({ station: 'topic', part, looked_at: reached.at, detail })
      }
    }
    await tellLedger(options.warehouse, { ledger_marks: marks })
  }
}
