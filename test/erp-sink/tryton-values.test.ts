import fc from 'fast-check'
import { dateAt, decimal, unitsOf } from '../../services/erp-sink/tryton-values'

test.each([
  [12_345, 2, '123.45'],
  [5, 2, '0.05'],
  [-5, 2, '-0.05'],
  [0, 4, '0.0000'],
  [7, 0, '7'],
])('%i hundredths and the like are written exactly', (units, digits, text) => {
  expect(decimal(units, digits).decimal).toBe(text)
})

test('what is written as a decimal reads back as the same number', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 4 }), (units, digits) => {
      expect(unitsOf(decimal(units, digits), digits)).toBe(units + 0)
    }),
  )
})

test.each([
  ['11', 1_100],
  ['11.5', 1_150],
  ['0E-8', 0],
  ['1E+2', 10_000],
  ['-33.3300', -3_333],
])('%s is read as minor units', (text, minor) => {
  expect(unitsOf({ __class__: 'Decimal', decimal: text }, 2)).toBe(minor)
})

test.each([['1.005'], ['NaN'], ['1,5']])('%s is no amount of minor units', (text) => {
  expect(unitsOf({ __class__: 'Decimal', decimal: text }, 2)).toBeNull()
})

test('a day is the one the company has, also when it is still yesterday elsewhere', () => {
  const lateEvening = Date.UTC(2026, 10, 20, 17)
  expect(dateAt(lateEvening, 'Asia/Shanghai')).toMatchObject({ year: 2026, month: 11, day: 21 })
  expect(dateAt(lateEvening, 'UTC')).toMatchObject({ month: 11, day: 20 })
})
