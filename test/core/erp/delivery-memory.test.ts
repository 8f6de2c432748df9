import {
  createMemory,
  deltaDelivery,
  isOwed,
  orderDelivery,
  remember,
} from '../../../services/core/erp/delivery-memory'
import { digestOfDocument } from '../../../services/core/erp/sale-document'
import { aDocument } from './given'

const document = aDocument()
const digest = digestOfDocument(document)
const key = document.reference

function delivered(version: number, words = '') {
  return orderDelivery(document, { version, acceptedAt: 1, sale: null, words, atMs: 2 })
}

test('a delivered order is owed again only when a newer version reads differently', () => {
  const memory = createMemory()
  expect(isOwed(memory, key, { version: 1, digest })).toBe(true)
  remember(memory, delivered(5), 10)
  expect(isOwed(memory, key, { version: 6, digest })).toBe(false)
  expect(isOwed(memory, key, { version: 4, digest: 'other' })).toBe(false)
  expect(isOwed(memory, key, { version: 6, digest: 'other' })).toBe(true)
})

test('a refused order is tried whenever it comes again, and its delivery time stays empty', () => {
  const memory = createMemory()
  remember(memory, delivered(5, 'no product with code X'), 10)
  expect(isOwed(memory, key, { version: 5, digest })).toBe(true)
  expect(isOwed(memory, key, { version: 4, digest })).toBe(false)
  expect(delivered(5, 'no')).toMatchObject({ outcome: 'refused', delivered_at: null, words: 'no' })
})

test('a straggling record of a lower version does not bring old memory back', () => {
  const memory = createMemory()
  remember(memory, delivered(5), 10)
  remember(memory, delivered(3, 'refused then'), 10)
  expect(memory.orders.get(key)).toMatchObject({ version: 5, outcome: 'delivered' })
})

test('only so many orders are remembered, the newest ones', () => {
  const memory = createMemory()
  for (const id of ['1', '2', '3']) {
    const one = aDocument({ order_id: id })
    remember(
      memory,
      orderDelivery(one, { version: 1, acceptedAt: 1, sale: null, words: '', atMs: 2 }),
      2,
    )
  }
  expect([...memory.orders.keys()]).toEqual(['douyin:shop:2', 'douyin:shop:3'])
})

test('what a delta leads to and what the ERP holds survive in one record', () => {
  const memory = createMemory()
  const delta = { reference: 'r', represented: { a: 1 }, totals: { a: 3 }, position: 9 }
  const record = deltaDelivery(
    { partition: 2, warehouse: 'SH1' },
    { ...delta, outcome: 'planned', words: '', atMs: 5 },
  )
  expect(record).toMatchObject({ document_key: 'delta:2:SH1', delivered_at: null })
  remember(memory, record, 10)
  expect(memory.deltas.get('SH1')).toEqual({ ...delta, outcome: 'planned' })
})
