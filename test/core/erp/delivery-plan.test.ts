import fc from 'fast-check'
import {
  isFulfilled,
  planDelivery,
  type Correction,
  type ErpDocument,
  type ErpSale,
} from '../../../services/core/erp/delivery-plan'
import {
  amountOf,
  type DocumentLine,
  type SaleDocument,
} from '../../../services/core/erp/sale-document'
import { noteOf } from '../../../services/core/erp/source-fields'
import { aLine } from '../../given'
import { aCredit, aDocument } from './given'

const settings = { refundSku: 'REFUND' }

/** The ERP's sale for a document, as if delivered. */
function aSale(document: SaleDocument, changes: Partial<ErpSale> = {}): ErpSale {
  const { source } = document
  return {
    id: '1',
    reference: document.reference,
    state: 'confirmed',
    erp_state: 'processing',
    total_minor: document.total_minor,
    quantities: {},
    shipped: false,
    moving: true,
    channel: source?.channel ?? '',
    campaign: source?.campaign ?? '',
    streamer: source?.streamer ?? '',
    note: source === null ? '' : noteOf(source),
    corrections: [],
    ...changes,
  }
}

function asShown({ reference, lines }: Correction): ErpDocument {
  const quantities: Record<string, number> = {}
  for (const { sku, quantity } of lines) quantities[sku] = (quantities[sku] ?? 0) + quantity
  return {
    id: reference,
    reference,
    state: 'confirmed',
    erp_state: 'processing',
    total_minor: amountOf(lines),
    quantities,
  }
}

function piecesOf(lines: readonly DocumentLine[]): [string, number][] {
  return lines.map(({ sku, quantity }) => [sku, quantity])
}

test('an order the ERP does not know is created and confirmed', () => {
  expect(planDelivery(aDocument(), null, settings)).toMatchObject({
    create: true,
    turn: 'confirm',
    correct: null,
  })
})

test('an order that was off before it came is created and cancelled', () => {
  const document = aDocument({ status: 'cancelled', refunded_minor: 10_000 })
  expect(planDelivery(document, null, settings)).toMatchObject({
    create: true,
    turn: 'cancel',
    correct: null,
  })
})

test('an order refunded in part before it came is created with its return', () => {
  const lines = [aLine({ quantity: 2, refunded_quantity: 1, refunded_minor: 5_000 })]
  const { create, correct } = planDelivery(aDocument({ lines }), null, settings)
  expect(create).toBe(true)
  expect(correct).toMatchObject({ reference: 'douyin:shop:1#1', moves_goods: true })
  expect(piecesOf(correct?.lines ?? [])).toEqual([['SKU-0001', -1]])
})

test('a sale the ERP holds leaves nothing to do', () => {
  const document = aDocument()
  expect(isFulfilled(planDelivery(document, aSale(document), settings))).toBe(true)
})

test('a draft left by an interrupted delivery is confirmed, not created again', () => {
  const document = aDocument()
  expect(planDelivery(document, aSale(document, { state: 'drafted' }), settings)).toMatchObject({
    create: false,
    turn: 'confirm',
  })
})

test('a sale on hold is confirmed already, and can still be cancelled', () => {
  const document = aDocument()
  const held = aSale(document, { state: 'held' })
  expect(isFulfilled(planDelivery(document, held, settings))).toBe(true)
  const off = aDocument({ status: 'cancelled' })
  expect(planDelivery(off, held, settings)).toMatchObject({ turn: 'cancel', correct: null })
})

test('a confirmed sale whose order is off has its goods called back and everything given back', () => {
  const lines = [aLine({ quantity: 3 })]
  const document = aDocument({ lines, freight_minor: 500, status: 'cancelled' })
  const plan = planDelivery(document, aSale(document), settings)
  expect(plan).toMatchObject({ turn: null, withdraw: true })
  expect(plan.correct?.moves_goods).toBe(false)
  expect(piecesOf(plan.correct?.lines ?? [])).toEqual([
    ['SKU-0001', -3],
    ['SHIPPING', -1],
  ])
})

test('once the goods have left, an order that is off is a return of what came back', () => {
  const lines = [aLine({ quantity: 3, refunded_quantity: 2, refunded_minor: 10_000 })]
  const document = aDocument({ lines, status: 'refunded' })
  const plan = planDelivery(document, aSale(document, { shipped: true }), settings)
  expect(plan).toMatchObject({ withdraw: false, correct: { moves_goods: true } })
  expect(piecesOf(plan.correct?.lines ?? [])).toEqual([
    ['SKU-0001', -2],
    ['REFUND', -1],
  ])
  expect(amountOf(plan.correct?.lines ?? [])).toBe(-10_000)
})

test('a refund that was taken back is a correction upwards', () => {
  const before = aDocument({ lines: [aLine({ refunded_minor: 4_000 })] })
  const first = planDelivery(before, aSale(before), settings).correct
  const after = aDocument()
  const sale = aSale(after, { corrections: first === null ? [] : [asShown(first)] })
  const second = planDelivery(after, sale, settings).correct
  expect(second?.reference).toBe('douyin:shop:1#2')
  expect(amountOf(second?.lines ?? [])).toBe(4_000)
})

test('drafts of an interrupted correction go the way of their sale', () => {
  const document = aDocument({ lines: [aLine({ refunded_minor: 4_000 })] })
  const correct = planDelivery(document, aSale(document), settings).correct
  if (correct === null) throw new Error('no correction planned')
  const draft = { ...asShown(correct), state: 'drafted' } as const
  const confirmed = planDelivery(document, aSale(document, { corrections: [draft] }), settings)
  expect(confirmed).toMatchObject({ turn: 'confirm', drafts: [draft.id], correct: null })
  const cancelled = aSale(document, { state: 'cancelled', corrections: [draft] })
  expect(planDelivery(document, cancelled, settings)).toMatchObject({
    turn: 'cancel',
    drafts: [draft.id],
    correct: null,
  })
})

test('a sale that people cancelled in the ERP is left alone', () => {
  const document = aDocument()
  expect(
    isFulfilled(planDelivery(document, aSale(document, { state: 'cancelled' }), settings)),
  ).toBe(true)
})

test('another source is amended, and the ERP writing names in small letters is no difference', () => {
  const document = aDocument({}, { credits: [aCredit({ channel: 'Douyin.Live', streamer: 'Li' })] })
  const small = aSale(document, { channel: 'douyin.live', streamer: 'li' })
  expect(planDelivery(document, small, settings).amend).toBe(false)
  expect(planDelivery(document, { ...small, channel: 'other' }, settings).amend).toBe(true)
})

test('through any history of refunds the ERP nets to the order and no piece comes back twice', () => {
  const step = fc.record({ pieces: fc.nat(5), refunded: fc.nat(10_000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const corrections: ErpDocument[] = []
      for (const { pieces, refunded } of steps) {
        const lines = [aLine({ quantity: 5, refunded_quantity: pieces, refunded_minor: refunded })]
        const document = aDocument({ lines, status: 'shipped' })
        const sale = aSale(document, { shipped: true, corrections })
        const { correct } = planDelivery(document, sale, settings)
        if (correct !== null) corrections.push(asShown(correct))
        const shown = corrections.reduce((sum, { total_minor }) => sum + total_minor, 10_000)
        expect(shown).toBe(10_000 - refunded)
        const repeated = planDelivery(document, { ...sale, corrections }, settings)
        expect(isFulfilled(repeated)).toBe(true)
      }
      const back = corrections.reduce(
        (sum, { quantities }) => sum - (quantities['SKU-0001'] ?? 0),
        0,
      )
      expect(back).toBe(Math.max(0, ...steps.map(({ pieces }) => pieces)))
      expect(new Set(corrections.map(({ reference }) => reference)).size).toBe(corrections.length)
    }),
  )
})
