import { deliverOrders } from '../../services/erp-sink/deliver-orders'
import type { Buyer } from '../../services/erp-sink/erp-port'
import { DependencyError } from '../../services/runtime/errors'
import { aCredit, aDocument } from '../core/erp/given'
import { aLine } from '../given'
import { createFakeErp } from '../support/fake-erp'

const settings = { refundSku: 'REFUND' }
const buyer: Buyer = { name: 'x', phone: '', address: null }

function anOrderCalled(id: string, sku = 'SKU-0001') {
  return { document: aDocument({ order_id: id, lines: [aLine({ sku })] }), buyer }
}

test('a batch is created, confirmed and looked at in one call each', async () => {
  const erp = createFakeErp()
  const outcomes = await deliverOrders(erp, [anOrderCalled('1'), anOrderCalled('2')], settings)
  expect(outcomes.map(({ words, sale }) => [words, sale?.state])).toEqual([
    ['', 'confirmed'],
    ['', 'confirmed'],
  ])
  const both = 'douyin:shop:1,douyin:shop:2'
  expect(erp.calls).toEqual([`find ${both}`, `draft ${both}`, `confirm ${both}`, `find ${both}`])
})

test('what the ERP already holds costs one look and nothing else', async () => {
  const erp = createFakeErp()
  await deliverOrders(erp, [anOrderCalled('1')], settings)
  erp.calls.length = 0
  await deliverOrders(erp, [anOrderCalled('1')], settings)
  expect(erp.calls).toEqual(['find douyin:shop:1'])
})

test.each([1, 2, 3, 7, 20])(
  'of %i orders the one the ERP refuses stands alone, the rest goes on',
  async (count) => {
    const erp = createFakeErp()
    erp.unknown.add('SKU-9999')
    const bad = Math.floor(count / 2)
    const orders = Array.from({ length: count }, (_, index) =>
      anOrderCalled(String(index), index === bad ? 'SKU-9999' : 'SKU-0001'),
    )
    const outcomes = await deliverOrders(erp, orders, settings)
    expect(outcomes.map(({ document }) => document.order_id)).toEqual(
      orders.map(({ document }) => document.order_id),
    )
    const refused = outcomes.filter(({ words }) => words !== '')
    expect(refused.map(({ document, words }) => [document.order_id, words])).toEqual([
      [String(bad), 'no product with code SKU-9999'],
    ])
    expect(erp.sales()).toHaveLength(count - 1)
  },
)

test('two refused orders of one batch are both found', async () => {
  const erp = createFakeErp()
  erp.unknown.add('SKU-9999')
  const orders = ['a', 'b', 'c', 'd', 'e'].map((id) =>
    anOrderCalled(id, id === 'b' || id === 'e' ? 'SKU-9999' : 'SKU-0001'),
  )
  const outcomes = await deliverOrders(erp, orders, settings)
  expect(outcomes.filter(({ words }) => words !== '')).toHaveLength(2)
  expect(erp.sales()).toHaveLength(3)
})

test('a sale another writer created meanwhile is taken as it is, not refused', async () => {
  const erp = createFakeErp()
  erp.before = async (call) => {
    if (!call.startsWith('draft')) return
    erp.before = () => undefined
    await erp.draftSales([anOrderCalled('1')])
  }
  const outcomes = await deliverOrders(erp, [anOrderCalled('1')], settings)
  expect(outcomes[0]).toMatchObject({ words: '', sale: { state: 'confirmed' } })
  expect(erp.sales()).toHaveLength(1)
})

test('another writer who is first with one order after the other makes none of them a dead letter', async () => {
  const erp = createFakeErp()
  const orders = ['1', '2', '3', '4', '5'].map((id) => anOrderCalled(id))
  const ahead = [...orders]
  erp.before = async (call) => {
    const next = call.startsWith('draft') ? ahead.shift() : undefined
    if (next === undefined) return
    const { before } = erp
    erp.before = () => undefined
    await erp.draftSales([next])
    erp.before = before
  }
  const outcomes = await deliverOrders(erp, orders, settings)
  expect(outcomes.map(({ words, sale }) => [words, sale?.state])).toEqual(
    orders.map(() => ['', 'confirmed']),
  )
  expect(erp.sales()).toHaveLength(5)
})

test('a reference that exists but is not shown is the fault of its own order, in the words of the ERP', async () => {
  const erp = createFakeErp()
  const orders = ['1', '2', '3', '4'].map((id) => anOrderCalled(id))
  const hidden = 'douyin:shop:3'
  const draftSales = erp.draftSales.bind(erp)
  erp.draftSales = (sales) =>
    sales.some(({ document }) => document.reference === hidden)
      ? Promise.resolve({ refused: 'The web ID on the sale must be unique.', duplicate: true })
      : draftSales(sales)
  const outcomes = await deliverOrders(erp, orders, settings)
  expect(outcomes.map(({ words }) => words)).toEqual([
    '',
    '',
    'The web ID on the sale must be unique.',
    '',
  ])
  expect(erp.sales()).toHaveLength(3)
})

test.each(['draft', 'confirm', 'correct', 'withdraw', 'amend', 'cancel'])(
  'an ERP that falls silent after it did the "%s" is asked how things stand, and nothing is done twice',
  async (step) => {
    const erp = createFakeErp()
    const before = { document: aDocument({ order_id: '1' }), buyer }
    const off = { order_id: '1', status: 'cancelled', refunded_minor: 10_000 } as const
    const moved = { credits: [aCredit({ channel: 'wechat.group' })] }
    const early = { document: aDocument({ ...off, order_id: '2' }), buyer }
    const late = { document: aDocument(off, moved), buyer }
    erp.after = (call) => {
      if (!call.startsWith(step)) return
      erp.after = () => undefined
      throw new DependencyError('erp', 'time-out')
    }
    const deliver = async (order: typeof before): Promise<void> => {
      try {
        await deliverOrders(erp, [order], settings)
      } catch (error) {
        expect(error).toBeInstanceOf(DependencyError)
        await deliver(order)
      }
    }
    await deliver(before)
    await deliver(early)
    await deliver(late)
    const done = erp.calls.filter((call) => !call.startsWith('find'))
    expect(done).toEqual([...new Set(done)])
    expect(done.filter((call) => call.startsWith(step))).not.toEqual([])
    const net = erp
      .sales()
      .reduce((sum, { total_minor, state }) => sum + (state === 'cancelled' ? 0 : total_minor), 0)
    expect(net).toBe(0)
  },
)
