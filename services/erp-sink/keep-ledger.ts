// Reads the ERP for the ledger every now and then, in one of the sink's processes: whoever has partition 0.
import { topics } from '../core/topics'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import { connectLedger, tolerant } from '../runtime/ledger'
import type { Service } from '../runtime/lifecycle'
import { repeat } from '../runtime/repeat'
import type { SinkConfig } from './config'
import type { ErpPort } from './erp-port'
import { readSales } from './read-sales'
import type { Sink } from './run-sink'

export interface LedgerDuty {
  readonly config: SinkConfig
  readonly sink: Pick<Sink, 'owns'>
  readonly erp: ErpPort
  readonly admin: Pick<KafkaAdmin, 'committed'>
}

export function keepLedger(service: Service, { config, sink, erp, admin }: LedgerDuty): void {
  const warehouse = connectLedger(config)
  if (warehouse === null || config.LEDGER_SALES_MS === 0) return
  service.onStop(() => warehouse.close())
  const prefix = config.TOPIC_PREFIX
  let stopping = false
  const read = async (): Promise<void> => {
    if (!sink.owns(0)) return
    await readSales({
      warehouse,
      erp,
      rule: { kinds: config.PUSH_KINDS, on: config.PUSH_ON },
      positions: async () => {
        const topic = prefix + topics.attributedOrders.name
        const committed = await admin.committed(prefix + config.CONSUMER_GROUP, topic)
        return new Map(committed.map(({ partition, offset }) => [partition, Math.max(0, offset)]))
      },
      goOn: () => !stopping,
    })
  }
  const stop = repeat(
    tolerant(read, { logger: service.logger, part: 'ledger sales' }),
    () => config.LEDGER_SALES_MS,
  )
  service.onStop(() => {
    stopping = true
    return stop()
  })
}
