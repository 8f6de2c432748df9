import type { Order, StockPosition } from '../../../services/core/records'
import { stockStage } from '../../../services/core/stock/reserve'
import { topics } from '../../../services/core/topics'
import { aLine, anOrder, dayMs, evening } from '../../given'
import { TopologyDriver } from '../../support/topology-driver'

function positions(...snapshots: Order[]): StockPosition[] {
  const driver = new TopologyDriver([stockStage])
  for (const order of snapshots) driver.pipe(topics.orders, order.order_key, order)
  return driver.run().read(topics.stockPositions)
}

const summary = (found: readonly StockPosition[]): unknown[] =>
  found.map(({ sku, quantity, reason, version }) => [sku, quantity, reason, version])

const unpaid = anOrder({ paid_at: null, lines: [aLine({ quantity: 3 })], updated_at: evening })
const paid = anOrder({ lines: [aLine({ quantity: 3 })], updated_at: evening + 1 })

test('an unpaid order reserves its pieces until the ERP sale represents them', () => {
  expect(summary(positions(unpaid, paid))).toEqual([
    ['SKU-0001', 3, 'unpaid', 1],
    ['SKU-0001', 0, 'released', 2],
  ])
})

test('an order first seen paid reserves nothing', () => {
  expect(positions(paid)).toEqual([])
})

test('a snapshot that comes late or again changes nothing', () => {
  expect(summary(positions(paid, unpaid, paid))).toEqual([])
})

test('a cancelled order gives its pieces back', () => {
  const cancelled = { ...unpaid, status: 'cancelled', updated_at: evening + 2 }
  expect(summary(positions(unpaid, cancelled)).at(-1)).toEqual(['SKU-0001', 0, 'released', 2])
})

test('a sample stays reserved after payment, since no sale moves its stock', () => {
  const sample = anOrder({ kind: 'sample', lines: [aLine({ quantity: 2, paid_minor: 0 })] })
  expect(summary(positions(sample))).toEqual([['SKU-0001', 2, 'sample', 1]])
})

test('lines of one SKU are one position, of two warehouses two', () => {
  const lines = [
    aLine({ line_id: '1', quantity: 1 }),
    aLine({ line_id: '2', quantity: 2 }),
    aLine({ line_id: '3', quantity: 4, warehouse: 'SH1' }),
  ]
  const found = positions({ ...unpaid, lines })
  expect(found.map(({ warehouse, quantity }) => [warehouse, quantity])).toEqual([
    ['', 3],
    ['SH1', 4],
  ])
})

test('a SKU whose code looks like one with its warehouse is a position of its own', () => {
  const lines = [
    aLine({ line_id: '1', sku: 'A|east', quantity: 1 }),
    aLine({ line_id: '2', sku: 'A', warehouse: 'east', quantity: 2 }),
    aLine({ line_id: '3', sku: 'A\\', warehouse: 'east', quantity: 4 }),
    aLine({ line_id: '4', sku: 'A\\|east', quantity: 8 }),
    aLine({ line_id: '5', sku: 'A', warehouse: '|east', quantity: 16 }),
  ]
  const driver = new TopologyDriver([stockStage])
  driver.pipe(topics.orders, unpaid.order_key, { ...unpaid, lines }).run()
  const reserved = [...driver.latest(topics.stockPositions).values()]
  expect(reserved.map(({ quantity }) => quantity)).toEqual([1, 2, 4, 8, 16])
  const plain = driver.pipe(topics.orders, unpaid.order_key, { ...paid, lines: [aLine()] }).run()
  const released = [...plain.latest(topics.stockPositions).values()]
  expect(released.map(({ quantity }) => quantity)).toEqual([0, 0, 0, 0, 0])
})

test('a key without signs that need marking is written as it always was', () => {
  const driver = new TopologyDriver([stockStage])
  const lines = [aLine(), aLine({ line_id: '2', warehouse: 'SH1' })]
  driver.pipe(topics.orders, unpaid.order_key, { ...unpaid, lines }).run()
  expect([...driver.latest(topics.stockPositions).keys()]).toEqual([
    'douyin:shop:1|SKU-0001',
    'douyin:shop:1|SKU-0001|SH1',
  ])
})

test('a snapshot that waited until its order may have left the store is refused', () => {
  const driver = new TopologyDriver([stockStage]).at(unpaid.created_at + 400 * dayMs)
  driver
    .pipe(topics.orders, unpaid.order_key, unpaid)
    .run()
    .at(unpaid.created_at + 401 * dayMs)
  driver.pipe(topics.orders, unpaid.order_key, paid).run()
  expect(driver.rejected.map(({ reason }) => reason)).toEqual(['too-old'])
  expect(driver.read(topics.stockPositions)).toHaveLength(1)
})

test('a SKU that leaves the order is released', () => {
  const changed = { ...unpaid, lines: [aLine({ sku: 'SKU-0002' })], updated_at: evening + 2 }
  expect(summary(positions(unpaid, changed))).toEqual([
    ['SKU-0001', 3, 'unpaid', 1],
    ['SKU-0002', 1, 'unpaid', 1],
    ['SKU-0001', 0, 'released', 2],
  ])
})

test('an order in a partition that is not its own is refused', () => {
  const driver = new TopologyDriver([stockStage], { partitions: 4 })
  for (const partition of [0, 1, 2, 3]) {
    driver.pipeStray(topics.orders, { key: unpaid.order_key, partition, value: unpaid })
  }
  expect(driver.run().rejected.map(({ reason }) => reason)).toEqual([
    'invalid',
    'invalid',
    'invalid',
  ])
})
