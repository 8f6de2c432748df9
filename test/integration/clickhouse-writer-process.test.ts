import type { Warehouse } from '../../services/runtime/clickhouse'
import type { AttributedOrder } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { anOrder } from '../given'
import { aCredit, anAttributedOrder, nextVersion } from '../support/attributed-order'
import { TestBroker } from '../support/broker'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'
import { aDatabase, dropWarehouse, openWarehouse } from '../support/warehouse'

let broker: TestBroker
let warehouse: Warehouse
let service: ServiceProcess

beforeAll(async () => {
  const stack = stackFromEnvironment()
  broker = await new TestBroker(stack).open()
  warehouse = await openWarehouse('process')
  service = new ServiceProcess('clickhouse-writer', settings(warehouse.database))
})

afterAll(async () => {
  await service.stop()
  await dropWarehouse(warehouse)
  await broker.close()
})

function settings(database: string): Record<string, string> {
  return {
    ...broker.environment(),
    CLICKHOUSE_URL: stackFromEnvironment().clickhouseUrl,
    CLICKHOUSE_DATABASE: database,
    BATCH_ROWS_MAX: '20',
    BATCH_WAIT_MS: '10',
    SESSION_TIMEOUT_MS: '6000',
  }
}

/** Orders that are each credited anew twice, round by round. */
function rounds(orders: number): AttributedOrder[][] {
  const first = Array.from({ length: orders }, (_, index) =>
    anAttributedOrder({ order: anOrder({ order_id: `order-${index}` }) }),
  )
  const second = first.map((order) =>
    nextVersion(order, {
      credits: [
        aCredit({ channel: 'wechat.group', amount_minor: 3_333, weight_ppb: 333_333_333 }),
        aCredit({ channel: 'douyin.live', amount_minor: 6_667, weight_ppb: 666_666_667 }),
      ],
    }),
  )
  const third = second.map((order) =>
    nextVersion(order, { credits: [aCredit({ channel: 'direct' })] }),
  )
  return [first, second, third]
}

async function write(orders: readonly AttributedOrder[]): Promise<void> {
  await broker.write(
    topics.attributedOrders,
    orders.map((order) => [order.order.order_key, order] as const),
  )
}

async function rowCount(): Promise<number> {
  const [row] = await warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM ${warehouse.database}.attributed_orders`,
  )
  return row?.n ?? 0
}

test('a service killed again and again while orders pour in writes each version once', async () => {
  const [first = [], second = [], third = []] = rounds(200)
  await service.start()
  for (const orders of [first, second]) {
    const before = await rowCount()
    const writing = write(orders)
    await until(async () => (await rowCount()) > before)
    await service.stop('SIGKILL')
    await writing
    await service.start()
  }
  await write(third)
  const sums = (): Promise<unknown> =>
    warehouse.query(
      `SELECT channel, sum(amount_minor) AS amount, sum(weight_ppb) AS weight, sum(credits) AS n
       FROM ${warehouse.database}.credit_hours GROUP BY channel
       HAVING amount != 0 OR weight != 0 OR n != 0`,
    )
  const expected = [
    { channel: 'direct', amount: 200 * 10_000, weight: 200 * 1_000_000_000, n: 200 },
  ]
  await until(
    async () => JSON.stringify(await sums()) === JSON.stringify(expected),
    () => service.output().slice(-2_000),
  )
  expect(await rowCount()).toBe(600)
  expect(
    await warehouse.query(
      `SELECT order_key, version, count() AS n FROM ${warehouse.database}.attributed_orders
       GROUP BY order_key, version HAVING n != 1`,
    ),
  ).toEqual([])
  expect(await service.stop()).toBe(0)
})

test('a service whose database lacks migrations says so in one line and exits', async () => {
  const unready = new ServiceProcess('clickhouse-writer', settings(aDatabase('unready').database))
  const started = unready.start().catch(() => undefined)
  await until(
    () => unready.output().includes('run npm run migrate'),
    () => unready.output(),
  )
  expect(await unready.stop()).toBe(1)
  await started
})
