import fc from 'fast-check'
import { splitMoney, toPpb, wholePpb } from '../../../services/core/attribution/split-money'

const weights = fc
  .array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })
  .filter((some) => some.some((weight) => weight > 1e-9))

test('weights become whole parts that sum to a billion, none further than one from its exact share', () => {
  fc.assert(
    fc.property(weights, (given) => {
      const parts = toPpb(given)
      const sum = given.reduce((total, weight) => total + weight, 0)
      expect(parts.reduce((total, part) => total + part, 0)).toBe(wholePpb)
      for (const [at, part] of parts.entries()) {
        expect(Math.abs(part - ((given[at] ?? 0) / sum) * wholePpb)).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('the parts of an amount sum to the amount, whatever the weights', () => {
  fc.assert(
    fc.property(weights, fc.nat({ max: Number.MAX_SAFE_INTEGER }), (given, amountMinor) => {
      const parts = splitMoney(amountMinor, toPpb(given))
      expect(parts.reduce((sum, part) => sum + BigInt(part), 0n)).toBe(BigInt(amountMinor))
      expect(Math.min(...parts)).toBeGreaterThanOrEqual(0)
    }),
  )
})

test.each([
  [100, [1, 1, 1], [34, 33, 33]],
  [1, [1, 1], [1, 0]],
  [0, [1, 2], [0, 0]],
  [140_00, [1, 1, 1], [46_67, 46_67, 46_66]],
])(
  '%i minor units over %j: the largest remainders are rounded up, ties to the earlier',
  (amount, given, expected) => {
    expect(splitMoney(amount, toPpb(given))).toEqual(expected)
  },
)
