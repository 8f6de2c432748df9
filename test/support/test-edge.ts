// What an edge does with records it has checked, as far as the ledger is concerned, and what can go wrong with it.
import { randomUUID } from 'node:crypto'
import { touchpointKey } from '../../services/core/identity/node'
import {
  orderInLedger,
  touchpointInLedger,
  type LedgerKind,
} from '../../services/core/ledger/tally'
import { partitionOf } from '../../services/core/partition'
import type { Order, Touchpoint } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { createEdgeLedger, type EdgeLedger } from '../../services/runtime/ledger-edge'
import { createLogger } from '../../services/runtime/logger'
import { createMetrics } from '../../services/runtime/metrics'
import type { TestBroker } from './broker'

export class TestEdge {
  readonly ledger: EdgeLedger
  /** As a spool would say. */
  waitingSince: number | null = null
  readonly #broker: TestBroker

  constructor(options: {
    broker: TestBroker
    warehouse: Warehouse
    kind: LedgerKind
    /** Names its disk; one of its own by default. */
    spool?: string
  }) {
    this.#broker = options.broker
    this.ledger = createEdgeLedger({
      warehouse: options.warehouse,
      kind: options.kind,
      spool: options.spool ?? randomUUID(),
      flushMs: 100,
      waitingSince: () => this.waitingSince,
      logger: createLogger('test', 'silent'),
      metrics: createMetrics('collector'),
      now: Date.now,
    })
  }

  /** Takes records over: writes them to their topic and tells the ledger, or leaves one of the two out. */
  async take(
    records: readonly (Touchpoint | Order)[],
    { written = true, told = true }: { written?: boolean; told?: boolean } = {},
  ): Promise<void> {
    const ticket = this.ledger.take(
      records.map((record) =>
        'order_key' in record ? orderInLedger(record) : touchpointInLedger(record),
      ),
    )
    for (const [index, record] of written ? records.entries() : []) {
      await this.write(record, ticket.headers[index])
    }
    if (told) ticket.accepted()
  }

  async write(record: Touchpoint | Order, headers: Readonly<Record<string, string>> = {}) {
    const order = 'order_key' in record
    const { name } = order ? topics.orders : topics.touchpoints
    const value = order
      ? (await this.#broker.registry.topicCodec(topics.orders)).encode(record)
      : (await this.#broker.registry.topicCodec(topics.touchpoints)).encode(record)
    const key = order ? record.order_key : touchpointKey(record)
    const partition = partitionOf(Buffer.from(key), this.#broker.partitions)
    await this.#broker.writeRaw([
      { topic: this.#broker.prefix + name, partition, key, value, headers },
    ])
  }
}
