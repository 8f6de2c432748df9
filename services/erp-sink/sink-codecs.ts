import type { AttributedOrder, ErpDelivery, StockLevel, StockPosition } from '../core/records'
import { topics } from '../core/topics'
import type { RecordCodec, SchemaDirectory } from '../runtime/codec'
import type { Health } from '../runtime/health'
import { retry } from '../runtime/retry'

export interface SinkCodecs {
  readonly orders: RecordCodec<AttributedOrder>
  readonly positions: RecordCodec<StockPosition>
  readonly deliveries: RecordCodec<ErpDelivery>
  readonly levels: RecordCodec<StockLevel>
}

/** @throws SetupError when this version's schemas are not registered */
export async function openCodecs(registry: SchemaDirectory, health: Health): Promise<SinkCodecs> {
  return {
    orders: await retry(() => registry.topicCodec(topics.attributedOrders), { health }),
    positions: await retry(() => registry.topicCodec(topics.stockPositions), { health }),
    deliveries: await retry(() => registry.topicCodec(topics.erpDeliveries), { health }),
    levels: await retry(() => registry.topicCodec(topics.stockLevels), { health }),
  }
}
