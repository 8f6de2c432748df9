import fc from 'fast-check'
import { addAccepted, emptyTally, rangesMax } from '../../../services/core/ledger/accepted-tally'

function tallied(numbers: readonly number[]) {
  const tally = emptyTally()
  for (const number of numbers) addAccepted(tally, number, BigInt(number))
  return tally
}

test('numbers acknowledged one after another are one range', () => {
  expect(tallied([0, 1, 2, 3])).toEqual({
    records: 4,
    digest: 6n,
    ranges: [{ first: 0, last: 3 }],
  })
})

test('a number that was never acknowledged leaves a gap', () => {
  expect(tallied([0, 1, 3]).ranges).toEqual([
    { first: 0, last: 1 },
    { first: 3, last: 3 },
  ])
})

test('in whatever order acknowledgements come, the ranges are the same', () => {
  const distinct = fc.uniqueArray(fc.nat(60), { maxLength: 40 })
  fc.assert(
    fc.property(distinct, (numbers) => {
      const ascending = [...numbers].sort((a, b) => a - b)
      expect(tallied(numbers)).toEqual(tallied(ascending))
      const spelled = tallied(numbers).ranges.flatMap(({ first, last }) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      )
      expect(spelled).toEqual(ascending)
    }),
  )
})

test('gaps without end do not take memory without end, and everything is still counted', () => {
  const tally = tallied(Array.from({ length: 2 * rangesMax }, (_, index) => 2 * index))
  expect(tally.records).toBe(2 * rangesMax)
  expect(tally.ranges).toHaveLength(rangesMax)
})
