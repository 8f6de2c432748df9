// Who counts what the stages keep: the ledger counts the journey stage's state, where the settings name a ClickHouse.
import { tallyOf } from '../core/ledger/tally'
import type { JourneyEntry } from '../core/records'
import { topics } from '../core/topics'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import { connectLedger, type LedgerConfig } from '../runtime/ledger'
import { createLedgerCensus } from '../runtime/ledger-census'
import type { Service } from '../runtime/lifecycle'
import { retry } from '../runtime/retry'
import { noCensus, type Census } from './state-walk'

/** The census of each partition of a stage, by the stage's name. */
export async function openCensuses(
  service: Service,
  config: LedgerConfig & { readonly TOPIC_PREFIX: string },
  admin: KafkaAdmin,
): Promise<(stage: string) => (partition: number) => Census> {
  const warehouse = connectLedger(config)
  if (warehouse === null) return () => () => noCensus
  service.onStop(() => warehouse.close())
  const topic = config.TOPIC_PREFIX + topics.journeyChangelog.name
  const counts = await retry(() => admin.partitionCounts([topic]), service)
  const ledger = createLedgerCensus({
    warehouse,
    partitions: counts.get(topic) ?? 0,
    flushMs: config.LEDGER_FLUSH_MS,
    logger: service.logger,
    ticks: () => performance.now(),
  })
  service.onStop(() => ledger.close())
  return (stage) => (partition) =>
    stage === 'journey' ? countedBy(ledger.open(partition)) : noCensus
}

function countedBy(census: ReturnType<ReturnType<typeof createLedgerCensus>['open']>): Census {
  return {
    count: (entry) => {
      const record = tallyOf(entry as JourneyEntry)
      if (record !== null) census.count(record)
    },
    roundEnded: () => {
      census.roundEnded()
    },
    roundBroken: () => {
      census.roundBroken()
    },
  }
}
