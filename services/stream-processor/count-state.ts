// Who counts what the stages keep: the ledger counts the journey stage's state, where the settings name a ClickHouse.
import { createNodeRecords } from '../core/ledger/node-records'
import { tallyOf } from '../core/ledger/tally'
import type { JourneyEntry } from '../core/records'
import { topics } from '../core/topics'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import { connectLedger, type LedgerConfig } from '../runtime/ledger'
import { createLedgerCensus, type PartitionCensus } from '../runtime/ledger-census'
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

/** A node's head is found before its touches and orders, so a head begins the next node. */
function countedBy(census: PartitionCensus): Census {
  const node = createNodeRecords()
  const countNode = (): void => {
    for (const record of node.take()) census.count(record)
  }
  return {
    count: (found) => {
      const entry = found as JourneyEntry
      if (entry.head !== null) countNode()
      const record = tallyOf(entry)
      if (record !== null) node.add(record)
    },
    roundEnded: () => {
      countNode()
      census.roundEnded()
    },
    roundBroken: () => {
      node.take()
      census.roundBroken()
    },
  }
}
