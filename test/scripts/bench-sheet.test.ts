import { printFigures, quantileOf, Sheet } from '../../scripts/bench/sheet'

test('a ratio is the median over rounds, each against the ceiling of its own round', () => {
  const sheet = new Sheet()
  for (const [own, bound] of [
    [10, 100],
    [40, 80],
    [30, 50],
  ] as const) {
    sheet.write({ name: 'bound', unit: 'x/s', value: bound })
    sheet.write({ name: 'own', unit: 'x/s', value: own, ceiling: 'bound', aim: '>= 0.5' })
  }
  const [bound, own] = sheet.figures()
  expect(bound).toMatchObject({ name: 'bound', median: 80, least: 50, most: 100, ratio: null })
  expect(own).toMatchObject({ median: 30, rounds: 3, ratio: { to: 'bound', median: 0.5 } })
})

test('a quantile lies between two values by their distance', () => {
  expect(quantileOf([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantileOf([1, 2, 3], 1)).toBe(3)
  expect(quantileOf([7], 0.99)).toBe(7)
})

test('figures are printed in lines that stand under one another', () => {
  const sheet = new Sheet()
  sheet.write({ name: 'short', unit: 'ms', value: 1_234_567 })
  sheet.write({ name: 'a longer name', unit: 'ms', value: 1.2345, ceiling: 'short', aim: '< 2' })
  expect(printFigures(sheet.figures())).toEqual([
    'short          1,234,567  ms',
    'a longer name       1.23  ms    0.000001 of short  aim: < 2',
  ])
})
