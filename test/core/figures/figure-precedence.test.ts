import fc from 'fast-check'
import {
  figurePrecedence,
  stockLevelPrecedence,
} from '../../../services/core/figures/figure-precedence'
import { anAdSpend, aStockLevel, evening } from '../../given'

const wins = (one: Parameters<typeof anAdSpend>[0], other: typeof one): boolean =>
  figurePrecedence(anAdSpend(one)) > figurePrecedence(anAdSpend(other))

test('what a source changed last counts, however late the earlier one is accepted', () => {
  const old = { updated_at: evening, accepted_at: evening + 9_000 }
  expect(wins({ updated_at: evening + 1, accepted_at: evening + 2 }, old)).toBe(true)
})

test('of two with one time of change the one accepted last counts', () => {
  const first = { updated_at: evening, accepted_at: evening + 1, amount_minor: 9 }
  expect(wins({ ...first, accepted_at: evening + 2, amount_minor: 1 }, first)).toBe(true)
})

test('where a source does not say when it changed a figure, acceptance stands for it', () => {
  const said = { updated_at: evening + 5, accepted_at: evening + 6 }
  expect(wins({ accepted_at: evening + 7 }, said)).toBe(true)
  expect(wins(said, { accepted_at: evening + 4 })).toBe(true)
})

test('any two statements are ordered one way, in 128 bits', () => {
  const time = fc.integer({ min: 0, max: 4_102_444_799_999 })
  const spend = fc
    .record({ updated_at: fc.option(time), accepted_at: time, amount_minor: fc.nat() })
    .map(anAdSpend)
  fc.assert(
    fc.property(spend, spend, (one, other) => {
      const [a, b] = [figurePrecedence(one), figurePrecedence(other)]
      const [atA, atB] = [one, other].map((each) => each.updated_at ?? each.accepted_at)
      expect(a).toBeLessThan(2n ** 128n)
      if (Number(atA) > Number(atB)) expect(a > b).toBe(true)
      if (atA === atB && one.accepted_at > other.accepted_at) expect(a > b).toBe(true)
      if (JSON.stringify(one) === JSON.stringify(other)) expect(a).toBe(b)
    }),
  )
})

test('the latest reading of the stock counts', () => {
  const later = stockLevelPrecedence(aStockLevel({ read_at: evening + 1, quantity: 1 }))
  expect(later > stockLevelPrecedence(aStockLevel())).toBe(true)
})
