// The writer's duties for the ledger and for who watches it, for as long as it runs. ClickHouse away delays them and nothing else.
import { randomUUID } from 'node:crypto'
import { deadLettersTopic, topics } from '../core/topics'
import type { Warehouse } from '../runtime/clickhouse'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import { tolerant } from '../runtime/ledger'
import type { Service } from '../runtime/lifecycle'
import { repeat } from '../runtime/repeat'
import { createTopicMarks } from './mark-topics'
import type { Writer } from './run-writer'
import { createLedgerWatch } from './watch-ledger'
import { createLettersWatch } from './watch-letters'

export interface LedgerDuties {
  readonly warehouse: Warehouse
  readonly admin: KafkaAdmin
  readonly writer: Writer
  readonly settings: {
    readonly TOPIC_PREFIX: string
    readonly LEDGER_FLUSH_MS: number
    readonly LEDGER_LOOK_MS: number
    readonly LEDGER_OLDER_THAN_MS: number
  }
}

/** A look may take a tenth of the time at most, however large the tables are. */
const restAfterLook = 9

export function keepLedger(service: Service, duties: LedgerDuties): void {
  const { warehouse, admin, writer, settings } = duties
  const { logger } = service
  const mark = createTopicMarks({
    warehouse,
    admin,
    topics: [
      { topic: settings.TOPIC_PREFIX + topics.touchpoints.name, kind: 'touchpoint' },
      { topic: settings.TOPIC_PREFIX + topics.orders.name, kind: 'order' },
    ],
    writtenUpTo: (partition) => writer.writtenUpTo(partition),
  })
  service.onStop(
    repeat(tolerant(mark, { logger, part: 'ledger marks' }), () => settings.LEDGER_FLUSH_MS),
  )
  if (settings.LEDGER_LOOK_MS === 0) return
  const look = createLedgerWatch({
    warehouse,
    metrics: service.metrics,
    olderThanMs: settings.LEDGER_OLDER_THAN_MS,
    part: randomUUID(),
  })
  const rest = (tookMs: number): number => Math.max(settings.LEDGER_LOOK_MS, restAfterLook * tookMs)
  service.onStop(repeat(tolerant(look, { logger, part: 'ledger look' }), rest))
  const letters = createLettersWatch({
    ...{ warehouse, admin, metrics: service.metrics },
    topic: settings.TOPIC_PREFIX + deadLettersTopic.name,
  })
  service.onStop(repeat(tolerant(letters, { logger, part: 'open dead letters' }), rest))
}
