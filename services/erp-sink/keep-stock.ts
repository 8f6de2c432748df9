// Reads the ERP's stock every now and then, in one of the sink's processes: whoever has partition 0. What goes wrong
// there is tried again with the next round and holds up no order.
import type { StockLevel } from '../core/records'
import type { RecordCodec } from '../runtime/codec'
import type { KafkaClient } from '../runtime/kafka'
import type { CoalescingProducer } from '../runtime/kafka-coalescing'
import { tolerant } from '../runtime/ledger'
import type { Service } from '../runtime/lifecycle'
import { repeat } from '../runtime/repeat'
import type { SinkConfig } from './config'
import type { ErpPort } from './erp-port'
import { readStock } from './read-stock'
import type { Sink } from './run-sink'
import { createStockMetrics } from './stock-metrics'
import { createStockTopic } from './stock-topic'

export interface StockDuty {
  readonly config: Pick<
    SinkConfig,
    | 'STOCK_LEVELS_MS'
    | 'STOCK_PAGE_PRODUCTS'
    | 'STOCK_PRODUCTS_MAX'
    | 'ERP_DATABASE'
    | 'TOPIC_PREFIX'
  >
  readonly sink: Pick<Sink, 'owns'>
  readonly erp: Pick<ErpPort, 'stockPage'>
  readonly kafka: Pick<KafkaClient, 'connectReader'>
  readonly producer: Pick<CoalescingProducer, 'send'>
  readonly codec: RecordCodec<StockLevel>
}

export function keepStock(
  service: Pick<Service, 'onStop' | 'logger' | 'metrics'>,
  { config, sink, erp, kafka, producer, codec }: StockDuty,
): void {
  if (config.STOCK_LEVELS_MS === 0) return
  const metrics = createStockMetrics(service.metrics)
  const topic = createStockTopic({ kafka, producer, codec, prefix: config.TOPIC_PREFIX })
  let stopping = false
  const read = tolerant(
    async () => {
      const isDone = await readStock({
        ...{ erp, topic, source: config.ERP_DATABASE },
        pageProducts: config.STOCK_PAGE_PRODUCTS,
        productsMax: config.STOCK_PRODUCTS_MAX,
        now: Date.now,
        goOn: () => !stopping && sink.owns(0),
        published: metrics.published,
      })
      if (isDone) metrics.read(Date.now())
    },
    { logger: service.logger, part: 'stock levels' },
  )
  const stop = repeat(
    async () => {
      if (sink.owns(0) && !(await read())) metrics.failed()
    },
    () => config.STOCK_LEVELS_MS,
  )
  service.onStop(() => {
    stopping = true
    return stop()
  })
}
