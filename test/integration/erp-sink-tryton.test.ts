// The sink between a real broker and a real Tryton: what an evening's orders leave behind in the ERP.
import { topics } from '../../services/core/topics'
import type { AttributedOrder, ErpDelivery } from '../../services/core/records'
import { createTrytonErp } from '../../services/erp-sink/tryton-erp'
import type { ErpPort } from '../../services/erp-sink/erp-port'
import type { TrytonRpc } from '../../services/erp-sink/tryton-rpc'
import { DependencyError } from '../../services/runtime/errors'
import { aCredit, anAttributedOrder } from '../core/erp/given'
import { aLine } from '../given'
import { TestBroker, type Watched } from '../support/broker'
import { runTestSink, type RunningSink } from '../support/run-erp-sink'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { rpcAs, startErp, type RunningErp } from '../support/start-erp'
import { until } from '../support/until'

let running: RunningErp
let admin: TrytonRpc
let broker: TestBroker
let deliveries: Watched<ErpDelivery>
let sinks: RunningSink[] = []

beforeAll(async () => {
  running = await startErp()
  admin = rpcAs(running.admin)
}, 120_000)

afterAll(async () => {
  await running.remove()
})

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  deliveries = await broker.watch(topics.erpDeliveries)
})

afterEach(async () => {
  await Promise.all(sinks.map((sink) => sink.close()))
  sinks = []
  await broker.close()
})

function trytonAs(rpc: TrytonRpc): ErpPort {
  const settings = {
    warehouse: 'WH',
    reservedLocation: 'RESERVED',
    serviceSkus: ['SHIPPING', 'ROUNDING', 'REFUND'],
    cacheMs: 60_000,
  }
  return createTrytonErp(rpc, settings, Date.now)
}

async function run(
  erp = trytonAs(rpcAs(running.sink)),
  changes: Parameters<typeof runTestSink>[2] = {},
): Promise<RunningSink> {
  const sink = await runTestSink(broker, erp, changes)
  sinks.push(sink)
  return sink
}

function write(...orders: AttributedOrder[]): Promise<void> {
  return broker.write(
    topics.attributedOrders,
    orders.map((one) => [one.order.order_key, one]),
  )
}

/** The newest delivery of an order once it has reached a version. */
async function delivered(orderId: string, version = 1): Promise<ErpDelivery> {
  return until(
    () =>
      deliveries.records.find(
        ({ value }) => value.document_key === `douyin:shop:${orderId}` && value.version === version,
      )?.value,
  )
}

async function salesOf(orderId: string, ...fields: string[]): Promise<Record<string, unknown>[]> {
  const key = `douyin:shop:${orderId}`
  const domain = ['OR', ['web_id', '=', key], ['web_id', 'like', `${key}#%`]]
  const params = [domain, 0, null, [['id', 'ASC']], ['web_id', 'state', ...fields]]
  return (await admin.ask('model.sale.sale.search_read', params)) as Record<string, unknown>[]
}

test('forty orders are forty confirmed sales, in batches', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `many-${index}`)
  await write(
    ...ids.map((order_id, index) =>
      anAttributedOrder({ order_id, identifiers: [`phone:${index}`], freight_minor: 500 }),
    ),
  )
  const erp = trytonAs(rpcAs(running.sink))
  const confirmed: number[] = []
  await run(
    {
      ...erp,
      confirm: (batch) => {
        confirmed.push(batch.length)
        return erp.confirm(batch)
      },
    },
    { settleMs: 1_000 },
  )
  await until(() => deliveries.records.filter(({ value }) => value.kind === 'order').length === 40)
  const sales = (await admin.ask('model.sale.sale.search_read', [
    [['web_id', 'like', 'douyin:shop:many-%']],
    ...[0, null, null],
    ['state', 'total_amount'],
  ])) as { state: string; total_amount: { decimal: string } }[]
  expect(sales.map(({ state, total_amount }) => [state, total_amount.decimal])).toEqual(
    ids.map(() => ['processing', '105.00']),
  )
  expect(confirmed.length).toBeLessThan(10)
})

test('an order through its life: sold, re-attributed, returned in part; one sale and one return', async () => {
  await run()
  const lines = [aLine({ quantity: 2 })]
  await write(anAttributedOrder({ order_id: 'life', lines }))
  await delivered('life')
  const credits = [aCredit({ channel: 'wechat.group', campaign: 'autumn', streamer: 'li' })]
  await write(anAttributedOrder({ order_id: 'life', lines }, { version: 2, credits }))
  expect(await delivered('life', 2)).toMatchObject({
    outcome: 'delivered',
    model: 'last_non_direct',
  })
  const back = [aLine({ quantity: 2, refunded_quantity: 1, refunded_minor: 5_000 })]
  await write(anAttributedOrder({ order_id: 'life', lines: back }, { version: 3, credits }))
  await delivered('life', 3)
  const sales = await salesOf(
    'life',
    'total_amount',
    'marketing_source.name',
    'marketing_medium.name',
  )
  expect(sales).toMatchObject([
    {
      total_amount: { decimal: '100.00' },
      'marketing_source.': { name: 'wechat.group' },
      'marketing_medium.': { name: 'li' },
    },
    { total_amount: { decimal: '-50.00' } },
  ])
})

test('an order cancelled after it was confirmed ships nothing', async () => {
  await run()
  await write(anAttributedOrder({ order_id: 'off' }))
  await delivered('off')
  const off = { order_id: 'off', status: 'cancelled', refunded_minor: 10_000 }
  await write(anAttributedOrder(off, { version: 2 }))
  expect(await delivered('off', 2)).toMatchObject({ outcome: 'delivered' })
  const shipments = (await salesOf('off', 'shipments')).flatMap((sale) => sale['shipments'])
  const states = (await admin.ask('model.stock.shipment.out.read', [shipments, ['state']])) as {
    state: string
  }[]
  expect(states.map(({ state }) => state)).toEqual(['cancelled'])
})

test('an unknown SKU keeps no other order of its batch from the ERP', async () => {
  const letters = await broker.watchDeadLetters()
  await write(
    anAttributedOrder({ order_id: 'good-1' }),
    anAttributedOrder({ order_id: 'bad', lines: [aLine({ sku: 'SKU-9999' })] }),
    anAttributedOrder({ order_id: 'good-2' }),
  )
  await run()
  expect(await delivered('bad')).toMatchObject({
    outcome: 'refused',
    words: 'no product with code SKU-9999',
  })
  await delivered('good-1')
  await delivered('good-2')
  await until(() => letters.length === 1)
})

test('an ERP that dies in the middle and comes back has every order once', async () => {
  const ids = Array.from({ length: 25 }, (_, index) => `away-${index}`)
  await write(...ids.map((order_id) => anAttributedOrder({ order_id })))
  const sink = await run()
  await delivered('away-0')
  await running.kill()
  await write(anAttributedOrder({ order_id: 'away-late' }))
  await until(() => sink.health.faults().some((fault) => fault.startsWith('erp')))
  await running.start()
  await delivered('away-late')
  await until(() => deliveries.records.filter(({ value }) => value.kind === 'order').length >= 26)
  for (const id of [...ids, 'away-late']) {
    const [sale, ...more] = await salesOf(id, 'shipments')
    expect(more).toEqual([])
    expect(sale).toMatchObject({ state: 'processing' })
    expect(sale?.['shipments']).toHaveLength(1)
  }
  expect(sink.health.faults()).toEqual([])
})

test('an ERP that answers too late has confirmed all the same, and is not made to do it twice', async () => {
  const erp = trytonAs(rpcAs(running.sink))
  const late: Promise<unknown>[] = []
  const ids = Array.from({ length: 12 }, (_, index) => `late-${index}`)
  await write(...ids.map((order_id) => anAttributedOrder({ order_id })))
  await run({
    ...erp,
    confirm: (batch) => {
      const answer = erp.confirm(batch)
      late.push(answer)
      // The ERP works on while nobody listens any more.
      return late.length > 1 ? answer : Promise.reject(new DependencyError('erp', 'time-out'))
    },
  })
  for (const id of ids) await delivered(id)
  await Promise.all(late)
  for (const id of ids) {
    const [sale, ...more] = await salesOf(id, 'shipments')
    expect(more).toEqual([])
    expect(sale?.['shipments']).toHaveLength(1)
  }
})

test('a wrong password at the start is told by readiness, and the service waits instead of crashing', async () => {
  const { url, database, user } = running.sink
  const service = new ServiceProcess('erp-sink', {
    ...broker.environment(),
    ...{ ERP_URL: url, ERP_DATABASE: database, ERP_USER: user, ERP_PASSWORD: 'wrong' },
    SEAL_KEYS: '{}',
  })
  const started = service.start().catch(() => 'ended')
  await until(() => service.output().includes(`refuses the password of user ${user}`))
  expect(await service.isReady()).toBe(false)
  expect(await service.stop()).toBe(0)
  expect(await started).toBe('ended')
})

test('a sink that stops leaves no session behind in the ERP', async () => {
  const { url, database, user, password } = running.sink
  const sessions = async (): Promise<number> => {
    const params = [[['login', '=', user]], 0, null, null, ['sessions']]
    const [found] = (await admin.ask('model.res.user.search_read', params)) as [
      { readonly sessions: number },
    ]
    return found.sessions
  }
  const before = await sessions()
  const service = new ServiceProcess('erp-sink', {
    ...broker.environment(),
    ...{ ERP_URL: url, ERP_DATABASE: database, ERP_USER: user, ERP_PASSWORD: password },
    SEAL_KEYS: '{}',
  })
  await service.start()
  expect(await sessions()).toBe(before + 1)
  expect(await service.stop()).toBe(0)
  expect(await sessions()).toBe(before)
})
