// The ledger's last station: the sink, the writer and a real ERP in which people do what they like.
import { createTrytonErp } from '../../services/erp-sink/tryton-erp'
import { TrytonRpc } from '../../services/erp-sink/tryton-rpc'
import type { ErpPort } from '../../services/erp-sink/erp-port'
import { readSales } from '../../services/erp-sink/read-sales'
import type { Order } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { lookAtLedger } from '../../services/runtime/ledger-look'
import { aLine, anOrder } from '../given'
import { anAttributedOrder } from '../support/attributed-order'
import { TestBroker } from '../support/broker'
import { runTestSink, type RunningSink } from '../support/run-erp-sink'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { startErp } from '../support/start-erp'
import { TestEdge } from '../support/test-edge'
import { until } from '../support/until'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

let broker: TestBroker
let warehouse: Warehouse
let writer: ServiceProcess
let running: Awaited<ReturnType<typeof startErp>>
let erp: ErpPort
let sink: RunningSink | null = null
let gateway: TestEdge

beforeAll(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  warehouse = await openWarehouse('ledger_erp')
  running = await startErp()
  const settings = {
    ...{ warehouse: 'WH', reservedLocation: 'RESERVED', cacheMs: 60_000 },
    serviceSkus: ['SHIPPING', 'ROUNDING', 'REFUND'],
  }
  erp = createTrytonErp(rpcAs(running.sink), settings, Date.now)
  sink = await runTestSink(broker, erp)
  writer = new ServiceProcess('clickhouse-writer', {
    ...broker.environment(),
    CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
    CLICKHOUSE_DATABASE: warehouse.database,
    LEDGER_LOOK_MS: '0',
  })
  await writer.start()
  gateway = new TestEdge({ broker, warehouse, kind: 'order' })
}, 180_000)

afterAll(async () => {
  await gateway.ledger.close()
  await writer.stop()
  await sink?.close()
  await running.remove()
  await dropWarehouse(warehouse)
  await broker.close()
})

function rpcAs(access: typeof running.sink): TrytonRpc {
  return new TrytonRpc(
    { ...access, path: '/', timeoutMs: 30_000 },
    { now: Date.now, called: () => undefined },
  )
}

function bought(orderId: string, given: Partial<Order> = {}): Order {
  const now = Date.now()
  const times = { paid_at: now, updated_at: now, accepted_at: now }
  return anOrder({ ...times, order_id: orderId, ...given })
}

/** Through gateway and stream processor, as it were. */
async function arrive(...orders: Order[]): Promise<void> {
  await gateway.take(orders)
  await broker.write(
    topics.attributedOrders,
    orders.map((order) => [order.order_key, anAttributedOrder({ order })]),
  )
}

async function count(sql: string): Promise<number> {
  const [row] = await warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM ${warehouse.database}.${sql}`,
  )
  return row?.n ?? 0
}

async function readErp(): Promise<void> {
  const admin = await broker.admin()
  const topic = broker.prefix + topics.attributedOrders.name
  await readSales({
    warehouse,
    erp,
    rule: { kinds: ['sale'], on: 'paid' },
    positions: async () => {
      const committed = await admin.committed(`${broker.prefix}erp-sink`, topic)
      return new Map(committed.map(({ partition, offset }) => [partition, Math.max(0, offset)]))
    },
    goOn: () => true,
  })
}

async function differences(): Promise<string[]> {
  await readErp()
  const { differences: found } = await lookAtLedger(warehouse)
  return found.flatMap(({ station, fault, ids }) => ids.map((id) => `${id} ${fault} at ${station}`))
}

/** Everything of attributed-orders is in ClickHouse and settled by the sink. */
async function untilSettled(orders: number): Promise<void> {
  await until(async () => (await count('orders FINAL')) === orders, 'the orders in ClickHouse')
  const admin = await broker.admin()
  const topic = broker.prefix + topics.attributedOrders.name
  await until(async () => {
    const committed = await admin.committed(`${broker.prefix}erp-sink`, topic)
    const bounds = await admin.bounds(topic)
    return bounds.every(({ partition, high }) => {
      const at = committed.find((one) => one.partition === partition)?.offset ?? -1
      return high === 0 || at === high
    })
  }, 'the sink to have had its turn')
}

test('what the ERP holds, what it refused, and what is no sale or none any more agrees; what people take away is found', async () => {
  await arrive(
    bought('1'),
    bought('2'),
    bought('3'),
    bought('unpaid', { paid_at: null }),
    bought('sample', { kind: 'sample' }),
    bought('off', { status: 'cancelled', refunded_minor: 10_000 }),
    bought('unknown', { lines: [aLine({ sku: 'NOBODY-KNOWS' })] }),
  )
  await untilSettled(7)
  await until(async () => (await count("erp_deliveries WHERE outcome = 'refused'")) === 1)
  expect(await differences()).toEqual([])
  expect(await count('ledger_sales_due')).toBe(4)
  expect(await count('ledger_sales_due WHERE shown')).toBe(3)

  const admin = rpcAs(running.admin)
  const idOf = async (orderId: string): Promise<unknown> => {
    const domain = [['web_id', '=', `douyin:shop:${orderId}`]]
    const found = await admin.ask('model.sale.sale.search', [domain, 0, null, null])
    return found
  }
  await admin.ask('model.sale.sale.write', [await idOf('2'), { state: 'cancelled' }])
  const renamed = await idOf('3')
  await admin.ask('model.sale.sale.write', [renamed, { web_id: 'typed over' }])
  expect((await differences()).sort()).toEqual([
    'douyin:shop:2 cancelled at erp',
    'douyin:shop:3 missing at erp',
  ])
})

test('an order that the sink has not had its turn with is not missing yet', async () => {
  const before = await differences()
  await sink?.close()
  sink = null
  await arrive(bought('later'))
  await until(async () => (await count("orders WHERE order_id = 'later'")) === 1)
  expect(await differences()).toEqual(before)
})
