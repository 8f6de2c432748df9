import { orderFrom, type OrderVerdict } from '../../../services/core/edge/order-from'
import type { OrderMessage, OrderMessageLine } from '../../../services/core/edge/order-message'
import type { Order } from '../../../services/core/records'
import { identifierTools } from '../../support/edge-fakes'

const acceptedAt = 1_767_225_600_000
const minuteMs = 60_000
const source = {
  name: 'douyin-main',
  platform: 'douyin',
  shops: ['S1'],
  receiverIsBuyer: false,
  app: '',
}
const tools = {
  ...identifierTools,
  seal: (text: string, orderKey: string) => ({
    key_id: orderKey,
    data: new TextEncoder().encode(text),
  }),
}

function aMessageLine(given: Partial<OrderMessageLine> = {}): OrderMessageLine {
  return {
    line_id: '1',
    sku: 'SKU-1',
    title: '',
    quantity: 2,
    paid_minor: 9_900,
    refunded_minor: 0,
    refunded_quantity: 0,
    warehouse: '',
    claim: null,
    ...given,
  }
}

function aMessage(given: Partial<OrderMessage> = {}): OrderMessage {
  return {
    platform: '',
    shop: '',
    order_id: '5001',
    status: 'paid',
    kind: 'sale',
    currency: 'CNY',
    created_at: acceptedAt - 2 * minuteMs,
    paid_at: acceptedAt - minuteMs,
    updated_at: acceptedAt - minuteMs,
    paid_minor: 9_900,
    refunded_minor: 0,
    freight_minor: 0,
    settlement: 'unsettled',
    settled_minor: 0,
    claim: null,
    lines: [aMessageLine()],
    buyer: null,
    receiver: null,
    receiver_is_buyer: null,
    ...given,
  }
}

function verdictOf(given: Partial<OrderMessage>, from = source): OrderVerdict {
  return orderFrom(aMessage(given), { source: from, acceptedAt, ageMaxMs: 1e12, tools })
}

function orderOf(given: Partial<OrderMessage>, from = source): Order {
  const { order, faults } = verdictOf(given, from)
  expect(faults).toEqual([])
  if (order === null) throw new Error('no order')
  return order
}

function faultsOf(given: Partial<OrderMessage>): string[] {
  const { order, faults } = verdictOf(given)
  expect(order).toBeNull()
  return faults.map(({ field, fault }) => `${field}: ${fault}`)
}

const contact = { name: '', phone: '', address: null, identifiers: {} }

test('an order gets its key from platform, shop and id', () => {
  expect(orderOf({})).toMatchObject({
    order_key: 'douyin:S1:5001',
    platform: 'douyin',
    shop: 'S1',
    source: 'douyin-main',
    accepted_at: acceptedAt,
    sealed_buyer: null,
    identifiers: [],
  })
})

test('an order for a shop the source does not speak for is refused', () => {
  expect(faultsOf({ shop: 'S2' })).toEqual(['shop: is not a shop of this source'])
  expect(faultsOf({ platform: 'kuaishou' })).toEqual([
    'platform: is not the platform of this source',
  ])
})

test('an order must name its shop when the source has several', () => {
  const { faults } = verdictOf({}, { ...source, shops: ['S1', 'S2'] })
  expect(faults).toEqual([{ field: 'shop', fault: 'missing, and the source has several' }])
})

test('the lines and the freight must add up to what was paid', () => {
  const lines = [aMessageLine({ paid_minor: 100 }), aMessageLine({ line_id: '2', paid_minor: 50 })]
  expect(orderOf({ lines, freight_minor: 7, paid_minor: 157 }).paid_minor).toBe(157)
  expect(faultsOf({ lines, freight_minor: 7, paid_minor: 150 })).toEqual([
    "paid_minor: must be the lines' paid_minor plus freight_minor, which is 157",
  ])
})

test.each([
  [0, 0, true],
  [40, 40, true],
  [47, 40, true],
  [48, 40, false],
  [39, 40, false],
])('a refund of %i with %i on the line and 7 freight is right: %s', (total, onLine, right) => {
  const given = {
    lines: [aMessageLine({ paid_minor: 100, refunded_minor: onLine })],
    freight_minor: 7,
    paid_minor: 107,
    refunded_minor: total,
  }
  expect(verdictOf(given).faults).toHaveLength(right ? 0 : 1)
})

test('a line cannot give back more than it took, in money or pieces', () => {
  const lines = [aMessageLine({ refunded_minor: 9_901, refunded_quantity: 3 })]
  expect(faultsOf({ lines, refunded_minor: 9_901 })).toEqual(
    expect.arrayContaining([
      'lines.0.refunded_minor: must not exceed paid_minor',
      'lines.0.refunded_quantity: must not exceed quantity',
    ]),
  )
})

test('a line id is used once', () => {
  const lines = [aMessageLine({ paid_minor: 1 }), aMessageLine({ paid_minor: 1 })]
  expect(faultsOf({ lines, paid_minor: 2 })).toEqual(['lines.1.line_id: is used twice'])
})

test.each(['XYZ', 'cny', 'RMB', ''])('%j is no currency', (currency) => {
  expect(faultsOf({ currency })).toEqual(['currency: must be an ISO 4217 code'])
})

test.each([
  ['created', null, true],
  ['created', acceptedAt, false],
  ['paid', null, false],
  ['refunded', null, false],
  ['shipped', acceptedAt, true],
  ['cancelled', null, true],
  ['cancelled', acceptedAt, true],
] as const)('status %s with paid_at %s is right: %s', (status, paid_at, right) => {
  const { faults } = verdictOf({ status, paid_at })
  expect(faults.map(({ field }) => field)).toEqual(right ? [] : ['paid_at'])
})

test('times must not lie ahead, nor run backwards', () => {
  expect(orderOf({ updated_at: acceptedAt + 5 * minuteMs }).updated_at).toBeGreaterThan(acceptedAt)
  expect(faultsOf({ updated_at: acceptedAt + 5 * minuteMs + 1 })).toEqual([
    'updated_at: is more than 5 minutes ahead',
  ])
  expect(faultsOf({ updated_at: acceptedAt - 3 * minuteMs })).toEqual([
    'updated_at: must not be before created_at',
  ])
  expect(faultsOf({ created_at: acceptedAt - 1e12 - 1 })).toEqual(['created_at: is too long ago'])
})

test('a claim given once is the claim of every line without its own', () => {
  const claim = { channel: 'douyin.live', room: 'r', streamer: 's', video: '', promoter: '' }
  const own = { ...claim, room: 'other' }
  const lines = [
    aMessageLine({ paid_minor: 4_900 }),
    aMessageLine({ line_id: '2', paid_minor: 5_000, claim: own }),
  ]
  expect(orderOf({ claim, lines }).lines.map((line) => line.claim)).toEqual([claim, own])
})

describe("given a receiver's phone", () => {
  const receiver = { ...contact, phone: '13912345678' }
  const hashed = identifierTools.hash('phone', '', '+8613912345678')

  test('it identifies nobody', () => {
    expect(orderOf({ receiver }).identifiers).toEqual([])
  })

  test('it identifies the buyer when the order or the source says they are one', () => {
    expect(orderOf({ receiver, receiver_is_buyer: true }).identifiers).toEqual([hashed])
    const trusting = { ...source, receiverIsBuyer: true }
    expect(orderOf({ receiver }, trusting).identifiers).toEqual([hashed])
    expect(orderOf({ receiver, receiver_is_buyer: false }, trusting).identifiers).toEqual([])
  })
})

test("the buyer's identifiers are hashed, a bare user scoped by the platform", () => {
  const buyer = { ...contact, phone: '13812345678', identifiers: { user: '77', openid: null } }
  expect(orderOf({ buyer }).identifiers).toEqual([
    identifierTools.hash('phone', '', '+8613812345678'),
    identifierTools.hash('user', 'douyin', '77'),
  ])
})

test('a masked or mistyped phone does not hold up the money', () => {
  for (const phone of ['138****5678', '1381234']) {
    const { order, warnings } = verdictOf({ buyer: { ...contact, phone } })
    expect(order?.identifiers).toEqual([])
    expect(warnings).toEqual([{ field: 'buyer.phone', fault: expect.any(String) as string }])
  }
})

test('what the ERP needs travels sealed: the receiver first, the buyer where it is silent', () => {
  const address = {
    country: 'CN',
    province: '浙江',
    city: '杭州',
    district: '',
    street: '文三路 1',
    postal_code: '',
  }
  const buyer = { ...contact, name: '张三', phone: '13812345678' }
  const receiver = { ...contact, name: '李四', address }
  const sealed = orderOf({ buyer, receiver }).sealed_buyer
  expect(sealed?.key_id).toBe('douyin:S1:5001')
  expect(JSON.parse(new TextDecoder().decode(sealed?.data))).toEqual({
    name: '李四',
    phone: '13812345678',
    address,
  })
})
