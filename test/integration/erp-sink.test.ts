// The sink's promises on a real broker, against an ERP in memory that fails where a test wants it to.
import type { AttributedOrder, StockPosition } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { DependencyError } from '../../services/runtime/errors'
import type { CoalescingProducer } from '../../services/runtime/kafka-coalescing'
import { createSeal } from '../../services/runtime/seal'
import type { StateSettings } from '../../services/erp-sink/partition-state'
import { aCredit, anAttributedOrder, settings } from '../core/erp/given'
import { aLine } from '../given'
import { TestBroker, type Watched } from '../support/broker'
import { createFakeErp, type FakeErp } from '../support/fake-erp'
import { runTestSink, type RunningSink } from '../support/run-erp-sink'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

let broker: TestBroker
let erp: FakeErp
let sinks: RunningSink[] = []

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  erp = createFakeErp()
})

afterEach(async () => {
  await Promise.all(sinks.map((sink) => sink.close()))
  sinks = []
  await broker.close()
})

async function run(
  changes: Parameters<typeof runTestSink>[2] = {},
  on = erp,
): Promise<RunningSink> {
  const sink = await runTestSink(broker, on, changes)
  sinks.push(sink)
  return sink
}

/** A producer that is cut off after its first sends: the owner records go out, no outcome and no release. */
async function cutOff(sendsMax: number): Promise<CoalescingProducer> {
  const real = await broker.kafka.connectProducer()
  let sends = 0
  return {
    send: (records) => {
      sends += 1
      return sends <= sendsMax ? real.send(records) : Promise.reject(new Error('killed'))
    },
    queuedBytes: () => 0,
    close: () => real.close(),
  }
}

function writeOrders(orders: readonly AttributedOrder[]): Promise<void> {
  return broker.write(
    topics.attributedOrders,
    orders.map((one) => [one.order.order_key, one]),
  )
}

function ordersCalled(...ids: string[]): AttributedOrder[] {
  return ids.map((id) => anAttributedOrder({ order_id: id }))
}

type Deliveries = Watched<{ kind: string; outcome: string; document_key: string; words: string }>

function outcomesOf(watched: Deliveries, kind = 'order'): string[] {
  return watched.records
    .filter(({ value }) => value.kind === kind)
    .map(({ value }) => `${value.document_key} ${value.outcome}`)
    .sort()
}

async function committed(): Promise<number> {
  const admin = await broker.admin()
  const offsets = await admin.committed(
    `${broker.prefix}erp-sink`,
    broker.prefix + topics.attributedOrders.name,
  )
  return offsets.reduce((sum, { offset }) => sum + Math.max(0, offset), 0)
}

function callsThatWrite(of = erp): string[] {
  return of.calls.filter((call) => !/^(find|check|skus)/.test(call))
}

test('orders of all partitions become one sale each, on record before their offsets are committed', async () => {
  const deliveries = await broker.watch(topics.erpDeliveries)
  const ids = Array.from({ length: 30 }, (_, index) => String(index))
  await writeOrders(ordersCalled(...ids))
  await run()
  await until(async () => (await committed()) === 30)
  expect(erp.sales()).toHaveLength(30)
  expect(outcomesOf(deliveries)).toEqual(ids.map((id) => `douyin:shop:${id} delivered`).sort())
})

test('versions within the settle time are delivered once, as the newest, in whatever order they come', async () => {
  const version = (number: number, channel: string): AttributedOrder =>
    anAttributedOrder({ order_id: '1' }, { version: number, credits: [aCredit({ channel })] })
  await writeOrders([version(1, 'first'), version(3, 'third'), version(2, 'second')])
  await run({ settleMs: 1_000 })
  await until(async () => (await committed()) === 3)
  expect(callsThatWrite()).toEqual(['draft douyin:shop:1', 'confirm douyin:shop:1'])
  expect(erp.sales()[0]).toMatchObject({ channel: 'third' })
})

test('a crash after the ERP has a sale and before that is on record neither loses nor doubles it', async () => {
  await writeOrders(ordersCalled('1', '2'))
  const producer = await cutOff(broker.partitions)
  const first = await run({ producer })
  await until(() => first.crashes.length > 0)
  expect(erp.sales().length).toBeGreaterThan(0)
  expect(await committed()).toBe(0)
  await first.close()
  sinks = []
  const deliveries = await broker.watch(topics.erpDeliveries)
  await run()
  await until(async () => (await committed()) === 2)
  expect(erp.sales()).toHaveLength(2)
  expect(new Set(callsThatWrite()).size).toBe(callsThatWrite().length)
  expect(outcomesOf(deliveries)).toHaveLength(2)
  await producer.close()
})

test('what is on record is not asked for again by the next owner', async () => {
  await writeOrders(ordersCalled('1'))
  const first = await run()
  await until(async () => (await committed()) === 1)
  await first.close()
  sinks = []
  const next = createFakeErp()
  await writeOrders([anAttributedOrder({ order_id: '1', updated_at: 9 }, { version: 2 })])
  await run({}, next)
  await until(async () => (await committed()) === 2)
  expect(next.calls.filter((call) => call !== 'check')).toEqual([])
})

test('a refused order alone becomes a dead letter with the words of the ERP, and is tried with its next version', async () => {
  const letters = await broker.watchDeadLetters()
  const deliveries = await broker.watch(topics.erpDeliveries)
  erp.unknown.add('SKU-9999')
  const bad = { order_id: 'bad', lines: [aLine({ sku: 'SKU-9999' })] }
  await writeOrders([...ordersCalled('1', '2', '3'), anAttributedOrder(bad), ...ordersCalled('4')])
  await run()
  await until(async () => (await committed()) === 5)
  await until(() => letters.length === 1)
  expect(letters[0]?.key?.toString()).toBe('douyin:shop:bad')
  expect(letters[0]?.headers).toMatchObject({
    'tributary-reason': 'refused-by-erp',
    'tributary-detail': 'no product with code SKU-9999',
  })
  expect(outcomesOf(deliveries)).toContain('douyin:shop:bad refused')
  expect(erp.sales()).toHaveLength(4)
  erp.unknown.clear()
  await writeOrders([anAttributedOrder(bad, { version: 2 })])
  await until(() => erp.sales().length === 5)
  await until(() => outcomesOf(deliveries).includes('douyin:shop:bad delivered'))
})

test('while the ERP is away nothing is lost or skipped and readiness names it; then the rest follows', async () => {
  erp.before = (call) => {
    if (call !== 'check') throw new DependencyError('erp', 'connection refused')
  }
  await writeOrders(ordersCalled('1', '2', '3'))
  const sink = await run()
  await until(() => sink.health.faults().includes('erp: erp: connection refused'))
  expect(await committed()).toBe(0)
  await until(async () => {
    const text = await sink.metrics.metrics()
    return /pending_documents 3/.test(text)
  })
  erp.before = () => undefined
  await until(async () => (await committed()) === 3)
  expect(erp.sales()).toHaveLength(3)
  expect(sink.health.faults()).toEqual([])
  expect(sink.crashes).toEqual([])
})

test('a record that is no order is a dead letter and the orders around it go on', async () => {
  const letters = await broker.watchDeadLetters()
  const topic = broker.prefix + topics.attributedOrders.name
  await broker.writeRaw([{ topic, partition: 0, key: 'x', value: Buffer.from('not avro') }])
  await writeOrders(ordersCalled('1'))
  await run()
  await until(async () => (await committed()) === 2)
  await until(() => letters.length === 1)
  expect(letters[0]?.value?.toString()).toBe('not avro')
  expect(erp.sales()).toHaveLength(1)
})

test('a buyer is opened with the key his seal names; words of the ERP that quote him do not go on record', async () => {
  const key = Buffer.alloc(32, 7)
  const seal = createSeal(new Map([['k1', key]]), 'k1')
  const details = { name: '张三丰', phone: '+8613800000000', address: null }
  const sealed_buyer = seal(JSON.stringify(details), 'douyin:shop:1')
  const seen: string[] = []
  const deliveries = await broker.watch(topics.erpDeliveries)
  const on = {
    ...erp,
    draftSales: (sales: Parameters<FakeErp['draftSales']>[0]) => {
      seen.push(...sales.map(({ buyer }) => buyer.name))
      return Promise.resolve({
        refused: 'The phone +8613800000000 of 张三丰 is not valid',
        duplicate: false,
      })
    },
  }
  await writeOrders([anAttributedOrder({ order_id: '1', sealed_buyer })])
  const sink = await runTestSink(broker, on)
  sinks.push(sink)
  const fault = 'seal keys: seal keys: no key k1; add it to SEAL_KEYS'
  await until(() => sink.health.faults().includes(fault))
  await sink.close()
  sinks = [await runTestSink(broker, on, { sealKeys: new Map([['k1', key]]) })]
  await until(() => outcomesOf(deliveries).length === 1)
  expect(seen).toEqual(['张三丰'])
  expect(deliveries.records.map(({ value }) => value.words).join('')).toBe(
    'The phone … of … is not valid',
  )
})

function aPosition(changes: Partial<StockPosition> = {}): StockPosition {
  return {
    order_key: 'douyin:shop:1',
    sku: 'SKU-0001',
    warehouse: '',
    quantity: 1,
    reason: 'unpaid',
    updated_at: 0,
    version: 1,
    ...changes,
  }
}

/** All on one partition: the key decides, the record tells the order. */
function writePositions(positions: readonly StockPosition[]): Promise<void> {
  return broker.write(
    topics.stockPositions,
    positions.map((one) => [`${one.order_key}|${one.sku}`, one]),
  )
}

test('reserved stock reaches the ERP as the net change, and what is released comes back', async () => {
  await writePositions([
    aPosition({ quantity: 5 }),
    aPosition({ quantity: 3, version: 2 }),
    aPosition({ sku: 'SKU-0002', quantity: 2 }),
  ])
  await run()
  await until(() => erp.stock.get('SKU-0001') === 3 && erp.stock.get('SKU-0002') === 2)
  await writePositions([aPosition({ quantity: 0, version: 3 })])
  await until(() => erp.stock.get('SKU-0001') === 0)
  expect(erp.stock.get('SKU-0002')).toBe(2)
})

test('reserved stock is judged although its topic ends with more that was taken back than one fetch brings', async () => {
  await writePositions([aPosition({ quantity: 4 })])
  const producer = await broker.kafka.connectTransactionalProducer({
    transactionalId: `${broker.prefix}taken-back`,
    transactionTimeoutMs: 10_000,
  })
  const topic = broker.prefix + topics.stockPositions.name
  const transaction = await producer.begin()
  for (let part = 0; part < 5; part += 1) {
    const value = Buffer.alloc(500_000, part)
    await transaction.send(
      Array.from({ length: broker.partitions }, (_, partition) => ({
        ...{ topic, partition, key: `taken back ${part}`, value },
      })),
    )
  }
  await transaction.abort()
  await producer.close()
  const sink = await run()
  await until(() => erp.stock.get('SKU-0001') === 4)
  expect(sink.crashes).toEqual([])
})

test.each(['before', 'after'] as const)(
  'a crash %s the ERP books a delta neither loses nor doubles it',
  async (moment) => {
    let dead = false
    erp[moment] = (call) => {
      if (call !== 'book' || dead) return
      dead = true
      throw new Error('killed')
    }
    await writePositions([aPosition({ quantity: 4 })])
    const first = await run()
    await until(() => first.crashes.length > 0)
    await first.close()
    sinks = []
    await writePositions([aPosition({ quantity: 6, version: 2 })])
    await run()
    await until(() => erp.stock.get('SKU-0001') === 6)
    const deliveries = await broker.watch(topics.erpDeliveries)
    await until(
      () => outcomesOf(deliveries, 'delta').filter((one) => one.endsWith('delivered')).length === 2,
    )
    expect(erp.stock.get('SKU-0001')).toBe(6)
  },
)

test('a SKU the ERP does not know keeps no other from being reserved', async () => {
  erp.unknown.add('SKU-9999')
  await writePositions([aPosition({ quantity: 4 }), aPosition({ sku: 'SKU-9999', quantity: 7 })])
  await run()
  await until(() => erp.stock.get('SKU-0001') === 4)
  erp.unknown.clear()
  await until(() => erp.stock.get('SKU-9999') === 7)
})

test('the next owner of a partition calls the ERP only after the one before has let go', async () => {
  await writeOrders(ordersCalled('1'))
  let free = (): void => undefined
  const gate = new Promise<void>((resolve) => (free = resolve))
  erp.before = async (call) => {
    if (call.startsWith('confirm')) await gate
  }
  const first = await run({ state: stateOf(60_000) })
  await until(() => erp.calls.some((call) => call.startsWith('draft')))
  const other = createFakeErp()
  const second = await run({ state: stateOf(60_000) }, other)
  const leaving = first.close()
  sinks = [second]
  const deliveries = await broker.watch(topics.erpDeliveries)
  const owned = (): number =>
    outcomesOf(deliveries, 'owner').filter((one) => one.endsWith('owned')).length
  await until(() => owned() >= 2 * broker.partitions)
  expect(other.calls.filter((call) => call !== 'check')).toEqual([])
  free()
  await leaving
  await writeOrders([
    anAttributedOrder(
      { order_id: '1', status: 'cancelled', refunded_minor: 10_000 },
      { version: 2 },
    ),
  ])
  await until(() => other.calls.some((call) => call.startsWith('find')))
})

test('an owner that died without a word is waited for, and not for ever', async () => {
  await writeOrders(ordersCalled('1'))
  const producer = await cutOff(broker.partitions)
  const first = await run({ producer })
  await until(() => first.crashes.length > 0)
  await first.close()
  const waited = Date.now()
  const next = createFakeErp()
  sinks = [await run({ state: stateOf(1_500) }, next)]
  await until(() => next.sales().length === 1)
  expect(Date.now() - waited).toBeGreaterThan(1_400)
  await producer.close()
})

function stateOf(ownerTimeoutMs: number): StateSettings {
  return { document: settings, settleMs: 0, rememberedMax: 1_000, ownerTimeoutMs }
}
