// The ledger over real parts: the writer as a process, edges and the stream processor played by the test, so that
// each can lose exactly what it is to lose.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { touchpointKey } from '../../services/core/identity/node'
import type { LedgerKind } from '../../services/core/ledger/tally'
import { partitionOf } from '../../services/core/partition'
import type { AttributedOrder, Order, Touchpoint } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { lookAtLedger, type Difference } from '../../services/runtime/ledger-look'
import { projectDirectory } from '../../services/runtime/schemas'
import { anOrder, aTouchpoint } from '../given'
import { anAttributedOrder } from './attributed-order'
import { TestBroker } from './broker'
import { ServiceProcess } from './service-process'
import { stackFromEnvironment } from './stack'
import { TestEdge } from './test-edge'
import { until } from './until'
import { dropWarehouse, openWarehouse } from './warehouse'

export class LedgerRig {
  readonly broker: TestBroker
  readonly warehouse: Warehouse
  readonly writer: ServiceProcess
  /** Of the test that runs: its events carry a source of their own. */
  source = ''
  readonly #edges: TestEdge[] = []
  #tests = 0

  private constructor(broker: TestBroker, warehouse: Warehouse) {
    this.broker = broker
    this.warehouse = warehouse
    this.writer = new ServiceProcess('clickhouse-writer', {
      ...broker.environment(),
      CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
      CLICKHOUSE_DATABASE: warehouse.database,
      SESSION_TIMEOUT_MS: '6000',
      LEDGER_FLUSH_MS: '100',
      LEDGER_LOOK_MS: '200',
      LEDGER_OLDER_THAN_MS: '0',
    })
  }

  /** @param name of its database */
  static async open(name: string): Promise<LedgerRig> {
    const broker = await new TestBroker(stackFromEnvironment()).open()
    const rig = new LedgerRig(broker, await openWarehouse(name))
    await rig.writer.start()
    return rig
  }

  beginTest(): void {
    this.#tests += 1
    this.source = `source-${this.#tests}`
  }

  async endTest(): Promise<void> {
    for (const edge of this.#edges.splice(0)) await edge.ledger.close()
  }

  async close(): Promise<void> {
    await this.writer.stop()
    await dropWarehouse(this.warehouse)
    await this.broker.close()
  }

  /** @param spool names its disk; one of its own by default */
  anEdge(kind: LedgerKind = 'touchpoint', spool?: string): TestEdge {
    const { broker, warehouse } = this
    const disk = spool === undefined ? {} : { spool }
    const edge = new TestEdge({ broker, warehouse, kind, ...disk })
    this.#edges.push(edge)
    return edge
  }

  /** Touchpoints of this test, accepted now. */
  touched(...ids: string[]): Touchpoint[] {
    const { source } = this
    const now = Date.now()
    return ids.map((id) => aTouchpoint({ source, id, at: now, accepted_at: now }))
  }

  bought(orderId: string, given: Partial<Order> = {}): Order {
    const { source } = this
    const now = Date.now()
    return anOrder({
      order_id: `${source}-${orderId}`,
      source,
      paid_at: now,
      updated_at: now,
      accepted_at: now,
      ...given,
    })
  }

  /** What the stream processor would say of orders. */
  async attribute(...orders: Order[]): Promise<AttributedOrder[]> {
    const attributed = orders.map((order) =>
      anAttributedOrder({ order, converted_at: order.paid_at }),
    )
    await this.broker.write(
      topics.attributedOrders,
      attributed.map((one) => [one.order.order_key, one]),
    )
    return attributed
  }

  /** As a replay of dead letters writes: in a transaction, whose mark takes an offset of its own. */
  async writeInTransaction(
    touchpoint: Touchpoint,
    { committed }: { readonly committed: boolean },
  ): Promise<void> {
    const { broker } = this
    const producer = await broker.kafka.connectTransactionalProducer({
      transactionalId: `${broker.prefix}operator`,
      transactionTimeoutMs: 10_000,
    })
    const transaction = await producer.begin()
    const codec = await broker.registry.topicCodec(topics.touchpoints)
    const key = touchpointKey(touchpoint)
    const partition = partitionOf(Buffer.from(key), broker.partitions)
    const topic = broker.prefix + topics.touchpoints.name
    await transaction.send([{ topic, partition, key, value: codec.encode(touchpoint) }])
    // Left open it is aborted by whoever begins next.
    if (committed) await transaction.commit()
    await producer.close()
  }

  async count(table: string, condition = `source = '${this.source}'`): Promise<number> {
    const [row] = await this.warehouse.query<{ n: number }>(
      `SELECT count() AS n FROM ${this.warehouse.database}.${table} WHERE ${condition}`,
    )
    return row?.n ?? 0
  }

  /** Differences of this test's source that were due when their station was looked at, in words. */
  async differences(): Promise<string[]> {
    const { differences: found } = await lookAtLedger(this.warehouse)
    return found
      .filter((one) => one.source === this.source || one.kind === 'roll_up' || one.source === '')
      .map(textOf)
  }

  /** `npm run ledger -- …` */
  command(...args: string[]) {
    const script = join(projectDirectory(), 'dist', 'scripts', 'ledger.js')
    const address = {
      CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
      CLICKHOUSE_DATABASE: this.warehouse.database,
    }
    return spawnSync(process.execPath, [script, ...args], {
      env: { ...process.env, ...address },
      encoding: 'utf8',
    })
  }

  /** Everything Kafka had taken by now has been read. */
  async untilRead(): Promise<void> {
    const [clock] = await this.warehouse.query<{ at: number }>(
      'SELECT toUnixTimestamp64Milli(now64(3)) AS at',
    )
    const before = clock?.at ?? 0
    await until(async () => {
      const { marks } = await lookAtLedger(this.warehouse)
      return Math.min(marks.topicReadUntil('touchpoint'), marks.topicReadUntil('order')) >= before
    }, 'the topics to be read')
  }

  /** The stations of this test's minutes, in sum. */
  async stations(kind: LedgerKind): Promise<Record<string, number> | undefined> {
    const [row] = await this.warehouse.query<Record<string, number>>(
      `SELECT sum(accepted) AS accepted, sum(in_topic) AS in_topic, sum(ids) AS ids,
         sum(in_clickhouse) AS in_clickhouse, max(differs_at) AS differs_at
       FROM ${this.warehouse.database}.ledger WHERE source = '${this.source}' AND kind = '${kind}'`,
    )
    return row
  }
}

function textOf({ kind, station, fault, records, ids, seenAt }: Difference): string {
  return `${records} ${kind} ${fault} at ${station}, seen at ${seenAt}: ${ids.join(' ')}`
}
