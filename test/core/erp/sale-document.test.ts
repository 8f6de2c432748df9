import fc from 'fast-check'
import { noteIn, noteOf, sourceFrom, withNote } from '../../../services/core/erp/source-fields'
import { amountOf, digestOfDocument, documentFrom } from '../../../services/core/erp/sale-document'
import { lineAmountMinor, unitPriceE4 } from '../../../services/core/erp/unit-price'
import { aLine } from '../../given'
import { aCredit, aDocument, anAttributedOrder, settings } from './given'

test('whatever was paid for whatever number of pieces, the lines sum to the fen', () => {
  const line = fc.record({
    quantity: fc.integer({ min: 1, max: 20_000 }),
    paid_minor: fc.integer({ min: 0, max: 500_000_00 }),
  })
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), fc.nat(9_999), (given, freight) => {
      const lines = given.map((one, index) => aLine({ ...one, line_id: String(index) }))
      const document = aDocument({ lines, freight_minor: freight })
      const paid = lines.reduce((sum, { paid_minor }) => sum + paid_minor, freight)
      expect(amountOf(document.lines)).toBe(paid)
      expect(document.total_minor).toBe(paid)
    }),
  )
})

test('below a hundred pieces the unit price alone gives the exact amount', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(100_000_000), (quantity, paid) => {
      expect(lineAmountMinor(unitPriceE4(paid, quantity), quantity)).toBe(paid)
    }),
  )
})

test.each([
  [125, 4, 5],
  [50, 1, 0],
  [150, 1, 2],
  [-50, 1, 0],
  [33_333, 3, 1_000],
])(
  '%i ten-thousandths times %i pieces are %i fen: halves go to the even one',
  (price, pieces, fen) => {
    expect(lineAmountMinor(price, pieces) + 0).toBe(fen)
  },
)

test('seven hundred pieces need a rounding line, and it is as small as it can be', () => {
  const document = aDocument({ lines: [aLine({ quantity: 700, paid_minor: 99_999 })] })
  expect(document.lines.map(({ sku, quantity }) => [sku, quantity])).toEqual([
    ['SKU-0001', 700],
    ['ROUNDING', -1],
  ])
})

test('the largest credit of the chosen model names the source, the earlier one of equals', () => {
  const credits = [
    aCredit({ model: 'linear', channel: 'other', weight_ppb: 1_000_000_000 }),
    aCredit({ channel: 'a', weight_ppb: 300_000_000, amount_minor: 0 }),
    aCredit({ channel: 'b', streamer: 'li', weight_ppb: 350_000_000, amount_minor: 0 }),
    aCredit({ channel: 'c', weight_ppb: 350_000_000, amount_minor: 0 }),
  ]
  expect(sourceFrom(credits, 'last_non_direct')).toMatchObject({
    channel: 'b',
    streamer: 'li',
    credits: 3,
  })
  expect(sourceFrom(credits, 'first')).toBeNull()
})

test('our line in a comment is replaced where it stands and what people wrote stays', () => {
  const noteFrom = (channel: string): string => {
    const source = sourceFrom([aCredit({ channel })], 'last_non_direct')
    return source === null ? '' : noteOf(source)
  }
  const [first, second] = [noteFrom('douyin.live'), noteFrom('wechat.group')]
  const comment = withNote(withNote('call first', first) + '\nfragile', second)
  expect(comment).toBe(`call first\n${second}\nfragile`)
  expect(noteIn(comment)).toBe(second)
  expect(withNote('', first)).toBe(first)
})

test.each([
  ['an unpaid order', { paid_at: null, status: 'created' }],
  ['a sample', { kind: 'sample' }],
  ['a gift', { kind: 'gift' }],
])('%s is not pushed', (_name, order) => {
  expect(documentFrom(anAttributedOrder(order), settings)).toBeNull()
})

test('an unpaid order is pushed where the rule says created', () => {
  const order = anAttributedOrder({ paid_at: null, status: 'created' })
  expect(documentFrom(order, { ...settings, on: 'created' })).not.toBeNull()
})

test.each([
  ['cancelled', 'cancelled', 0, true, 0],
  ['paid and refunded in full', 'paid', 10_000, true, 0],
  ['refunded before shipping', 'refunded', 10_000, true, 0],
  ['shipped and refunded in full', 'shipped', 10_000, false, 0],
  ['refunded in part', 'paid', 4_000, false, 6_000],
  ['completed', 'completed', 0, false, 10_000],
])('an order %s', (_name, status, refunded, cancelled, net) => {
  expect(aDocument({ status, refunded_minor: refunded })).toMatchObject({
    cancelled,
    net_minor: net,
  })
})

test('an order of price zero is a sale like any other', () => {
  const document = aDocument({ lines: [aLine({ paid_minor: 0 })] })
  expect(document).toMatchObject({ cancelled: false, total_minor: 0, net_minor: 0 })
  expect(document.lines).toHaveLength(1)
})

test('a new seal, a later version or another model of credits do not change the digest', () => {
  const one = aDocument(
    { sealed_buyer: { key_id: 'a', data: new Uint8Array([1]) } },
    { version: 1 },
  )
  const other = aDocument(
    { updated_at: 7 },
    { version: 2, credits: [aCredit(), aCredit({ model: 'linear' })] },
  )
  expect(digestOfDocument(one)).toBe(digestOfDocument(other))
  const late = aDocument({}, { credits: [aCredit({ channel: 'wechat.group' })] })
  expect(digestOfDocument(late)).not.toBe(digestOfDocument(one))
})
