import {
  changedLevels,
  noteLevel,
  stockLevelKey,
  vanishedLevels,
  type KnownLevels,
} from '../../../services/core/stock/stock-changes'
import { aStockLevel, evening } from '../../given'

const reading = { source: 'erp', readAt: evening + 60_000 }

function knowing(...levels: Parameters<typeof aStockLevel>[0][]): KnownLevels {
  const known: KnownLevels = new Map()
  for (const level of levels) noteLevel(known, aStockLevel(level))
  return known
}

test('what is shown as it was known is not said again', () => {
  expect(changedLevels(knowing({}), [aStockLevel()], reading)).toEqual([])
})

test.each([
  ['another quantity', { quantity: 99 }],
  ['another forecast', { forecast: 0 }],
  ['another warehouse', { warehouse: 'SH1' }],
  ['another SKU', { sku: 'SKU-0002' }],
])('%s is said, with the time at which it was read', (_what, change) => {
  expect(changedLevels(knowing({}), [aStockLevel(change)], reading)).toEqual([
    aStockLevel({ ...change, read_at: reading.readAt }),
  ])
})

test('what was known and is not shown any more has none left, and is said once', () => {
  const known = knowing({}, { sku: 'gone' })
  const shown = new Set([stockLevelKey(aStockLevel())])
  const gone = vanishedLevels(known, shown, reading)
  const level = { sku: 'gone', quantity: 0, forecast: null, withdrawn: true }
  expect(gone).toEqual([aStockLevel({ ...level, read_at: reading.readAt })])
  for (const one of gone) noteLevel(known, one)
  expect(vanishedLevels(known, shown, reading)).toEqual([])
})

test('what comes back is said, though it has as little as when it went', () => {
  const known = knowing({ withdrawn: true, quantity: 0, forecast: null })
  const back = aStockLevel({ quantity: 0, forecast: null })
  expect(changedLevels(known, [back], reading)).toHaveLength(1)
})

test('of two published levels the one read later is known, in whatever order they come', () => {
  const later = { quantity: 5, read_at: evening + 1 }
  for (const known of [knowing({}, later), knowing(later, {})]) {
    expect([...known.values()]).toEqual([aStockLevel(later)])
  }
})
