import { readOrder } from '../../services/order-gateway/read-order'

const line = { line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 100 }
const order = {
  order_id: '6921',
  status: 'paid',
  currency: 'CNY',
  created_at: 1_767_225_500_000,
  paid_at: '2026-01-01T08:00:00+08:00',
  updated_at: 1_767_225_600_000,
  paid_minor: 100,
  lines: [line],
}

function faultsOf(given: unknown): string[] {
  const reading = readOrder(given)
  return 'faults' in reading ? reading.faults.map(({ field, fault }) => `${field}: ${fault}`) : []
}

test('what an order need not say has its plain meaning', () => {
  expect(readOrder(order)).toEqual({
    message: {
      ...order,
      platform: '',
      shop: '',
      kind: 'sale',
      paid_at: 1_767_225_600_000,
      refunded_minor: 0,
      freight_minor: 0,
      settlement: 'unsettled',
      settled_minor: 0,
      claim: null,
      lines: [
        { ...line, title: '', refunded_minor: 0, refunded_quantity: 0, warehouse: '', claim: null },
      ],
      buyer: null,
      receiver: null,
      receiver_is_buyer: null,
    },
  })
})

test('null says what an absent field says', () => {
  const nulls = { paid_at: null, claim: null, buyer: null, freight_minor: null, shop: null }
  expect(faultsOf({ ...order, status: 'created', ...nulls })).toEqual([])
})

test.each([
  ['paid_at', []],
  ['created_at', ['created_at: missing']],
  ['updated_at', ['updated_at: missing']],
  ['lines', ['lines: must be a list']],
])('an order whose JSON has no %s at all', (field, faults) => {
  const given = Object.entries({ ...order, status: 'created' }).filter(([name]) => name !== field)
  expect(faultsOf(Object.fromEntries(given))).toEqual(faults)
})

test('a buyer keeps name, phone and address apart from the other identifiers', () => {
  const reading = readOrder({
    ...order,
    buyer: {
      name: '张\t三 ',
      phone: '138 1234 5678',
      openid: { app: 'wx', id: 'o' },
      address: '文三路 1',
    },
  })
  expect(reading).toMatchObject({
    message: {
      buyer: {
        name: '张 三',
        phone: '138 1234 5678',
        identifiers: { openid: { app: 'wx', id: 'o' } },
        address: { street: '文三路 1', city: '' },
      },
    },
  })
})

test.each([
  [{ paid_minor: -1 }, ['paid_minor: must be a whole number of minor units, 0 or more']],
  [{ paid_minor: 99.5 }, ['paid_minor: must be a whole number of minor units, 0 or more']],
  [{ paid_minor: '100' }, ['paid_minor: must be a whole number of minor units, 0 or more']],
  [{ paid_minor: 2 ** 60 }, ['paid_minor: must be a whole number of minor units, 0 or more']],
  [{ paid_minor: undefined }, ['paid_minor: missing']],
  [{ order_id: 6921 }, ['order_id: must be a string: send ids as strings, numbers lose digits']],
  [{ order_id: 'a:b' }, ['order_id: must be of A-Z a-z 0-9 . _ -']],
  [{ order_id: '' }, [expect.stringMatching(/^order_id: /)]],
  [{ order_id: 'x'.repeat(65) }, ['order_id: must have at most 64 characters']],
  [{ status: 'done' }, [expect.stringMatching(/^status: must be one of created, paid/)]],
  [{ kind: 'free' }, ['kind: must be one of sale, sample, gift']],
  [{ currency: 156 }, [expect.stringMatching(/^currency: must be a string/)]],
  [{ created_at: undefined }, ['created_at: missing']],
  [{ created_at: 1_767_225_500 }, ['created_at: must be epoch milliseconds, not seconds']],
  [{ paid_at: 'yesterday' }, [expect.stringMatching(/^paid_at: must be epoch/)]],
  [{ lines: [] }, ['lines: must have a line']],
  [{ lines: {} }, ['lines: must be a list']],
  [{ lines: Array(201).fill(line) }, ['lines: must have at most 200 lines']],
  [{ lines: [7] }, ['lines.0: must be an object']],
  [{ lines: [{ ...line, quantity: 0 }] }, ['lines.0.quantity: must be a whole number, 1 or more']],
  [{ lines: [{ ...line, sku: undefined }] }, ['lines.0.sku: missing']],
  [
    { lines: [{ ...line, line_id: 9 }] },
    [expect.stringMatching(/^lines.0.line_id: must be a string/)],
  ],
  [{ lines: [{ ...line, claim: { room: 'r' } }] }, ['lines.0.claim.channel: missing']],
  [{ refund_minor: 5 }, ['refund_minor: unknown field']],
  [{ 'a b': 5 }, ['(unreadable name): unknown field']],
  [{ lines: [{ ...line, price: 5 }] }, ['lines.0.price: unknown field']],
  [{ buyer: { email: 'x' } }, ['buyer.email: unknown field']],
  [{ buyer: 'x' }, ['buyer: must be an object']],
  [{ buyer: { address: 7 } }, ['buyer.address: must be an object']],
  [{ receiver_is_buyer: 'yes' }, ['receiver_is_buyer: must be true or false']],
])('an order with %j is refused', (given, faults) => {
  expect(faultsOf({ ...order, ...given })).toEqual(faults)
})

test.each([[null], [7], ['x'], [[]]])('%j is no order', (given) => {
  expect(faultsOf(given)).toEqual(['order: must be an object'])
})
