import { compareBooks, type BookedOrder, type ErpBooks } from '../../scripts/chaos/erp-books'

function booksWith(order: Partial<BookedOrder>, stock = '98 now, 98 forecast'): ErpBooks {
  const sold = { sales: 1, netMinor: 1_990, pieces: { 'SKU-1': 2 }, source: 'douyin.live /  / lin' }
  return {
    orders: new Map([['douyin:S1:1', { ...sold, ...order }]]),
    stock: new Map([['WH SKU-1', stock]]),
  }
}

const undisturbed = booksWith({})

test('the same sales, returns and stock are no difference', () => {
  expect(compareBooks(undisturbed, booksWith({}))).toEqual([])
})

test('pieces that were sold and came back are as good as pieces never sold', () => {
  const returned = booksWith({ pieces: { 'SKU-1': 2, 'SKU-2': 0 } })
  expect(compareBooks(undisturbed, returned)).toEqual([])
})

test.each([
  ['money', booksWith({ netMinor: 1_989 }), 'order douyin:S1:1'],
  ['pieces', booksWith({ pieces: { 'SKU-1': 1 } }), 'order douyin:S1:1'],
  ['the source', booksWith({ source: 'direct /  / ' }), 'order douyin:S1:1'],
  ['stock', booksWith({}, '98 now, 96 forecast'), 'stock WH SKU-1'],
])('%s that differs is named with what it should be', (_what, disturbed, named) => {
  const [difference] = compareBooks(undisturbed, disturbed)
  expect(difference).toContain(named)
})

test('an order that only one run has is named', () => {
  const nothing = { orders: new Map(), stock: undisturbed.stock }
  expect(compareBooks(undisturbed, nothing)).toEqual([
    expect.stringContaining('order douyin:S1:1: undisturbed {'),
  ])
})

test('two sales for one order are one too many, whatever they come to', () => {
  const twice = compareBooks(booksWith({ sales: 2 }), booksWith({ sales: 2 }))
  expect(twice).toEqual(['order douyin:S1:1: 2 sales in the ERP'])
})
