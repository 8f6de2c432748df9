import fc from 'fast-check'
import {
  changeOf,
  createReservations,
  takePosition,
  totalsOf,
} from '../../../services/core/erp/stock-delta'
import type { StockPosition } from '../../../services/core/records'

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

test('positions are absolute: the newest of each counts once, an older one never', () => {
  const reservations = createReservations()
  takePosition(reservations, 'a', aPosition({ quantity: 3 }))
  takePosition(reservations, 'a', aPosition({ quantity: 3 }))
  takePosition(reservations, 'b', aPosition({ quantity: 2 }))
  takePosition(reservations, 'a', aPosition({ quantity: 1, version: 2 }))
  takePosition(reservations, 'a', aPosition({ quantity: 9 }))
  expect(totalsOf(reservations, '')).toEqual({ 'SKU-0001': 3 })
})

test('a released or removed position leaves nothing behind', () => {
  const reservations = createReservations()
  takePosition(reservations, 'a', aPosition({ quantity: 3 }))
  takePosition(reservations, 'a', aPosition({ quantity: 0, version: 2 }))
  takePosition(reservations, 'b', aPosition({ quantity: 2 }))
  takePosition(reservations, 'b', null)
  expect(totalsOf(reservations, '')).toEqual({})
  expect(reservations.positions.size).toBe(0)
})

test('a position that moves to another warehouse leaves the first', () => {
  const reservations = createReservations()
  takePosition(reservations, 'a', aPosition({ quantity: 3 }))
  takePosition(reservations, 'a', aPosition({ quantity: 3, warehouse: 'SH1', version: 2 }))
  expect(totalsOf(reservations, '')).toEqual({})
  expect(totalsOf(reservations, 'SH1')).toEqual({ 'SKU-0001': 3 })
})

test('the changes sent one after another add up to the newest totals, however they were cut', () => {
  const quantity = fc.record({
    key: fc.nat(5),
    sku: fc.nat(2),
    quantity: fc.nat(4),
    send: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(quantity, { maxLength: 40 }), (steps) => {
      const reservations = createReservations()
      const erp: Record<string, number> = {}
      let represented = {}
      const send = (): void => {
        const current = totalsOf(reservations, '')
        for (const [sku, pieces] of Object.entries(changeOf(represented, current))) {
          erp[sku] = (erp[sku] ?? 0) + pieces
        }
        represented = current
      }
      steps.forEach((step, index) => {
        const sku = `SKU-${step.sku}`
        const position = aPosition({ sku, quantity: step.quantity, version: index })
        takePosition(reservations, `${step.key}|${sku}`, position)
        if (step.send) send()
      })
      send()
      const held = Object.fromEntries(Object.entries(erp).filter(([, pieces]) => pieces !== 0))
      expect(held).toEqual(totalsOf(reservations, ''))
    }),
  )
})
