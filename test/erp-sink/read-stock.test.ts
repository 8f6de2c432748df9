import type { StockLevel } from '../../services/core/records'
import { noteLevel, type KnownLevels } from '../../services/core/stock/stock-changes'
import { readStock, type StockReading } from '../../services/erp-sink/read-stock'
import { DependencyError } from '../../services/runtime/errors'
import { aStockLevel, evening } from '../given'
import { createFakeErp } from '../support/fake-erp'

/** An ERP with some stock and a topic that remembers, as the real one does. */
function openRig(...skus: readonly string[]) {
  const erp = createFakeErp()
  erp.levels = skus.map((sku) => aStockLevel({ sku }))
  const known: KnownLevels = new Map()
  const published: StockLevel[][] = []
  const clock = { now: evening }
  const counts: [string, number][] = []
  const read = (changes: Partial<StockReading> = {}): Promise<boolean> => {
    clock.now += 60_000
    return readStock({
      erp,
      topic: {
        catchUp: () => Promise.resolve(known),
        publish: (levels) => {
          if (levels.length > 0) published.push([...levels])
          for (const level of levels) noteLevel(known, level)
          return Promise.resolve()
        },
      },
      source: 'erp',
      pageProducts: 2,
      productsMax: 10,
      now: () => clock.now,
      goOn: () => true,
      published: (outcome, levels) => counts.push([outcome, levels]),
      ...changes,
    })
  }
  return { erp, read, published, counts, clock }
}

test('the first reading says everything, page by page; the next says nothing', async () => {
  const { erp, read, published } = openRig('A', 'B', 'C')
  expect(await read()).toBe(true)
  expect(published.map((levels) => levels.map(({ sku }) => sku))).toEqual([['A', 'B'], ['C']])
  expect(await read()).toBe(true)
  expect(published).toHaveLength(2)
  expect(erp.calls).toEqual(['stock ', 'stock B', 'stock ', 'stock B'])
})

test('what changed is said, and what vanished has none left', async () => {
  const { erp, read, published, counts } = openRig('A', 'B', 'C')
  await read()
  erp.levels = [aStockLevel({ sku: 'A' }), aStockLevel({ sku: 'C', quantity: 1 })]
  await read()
  expect(published.slice(2)).toMatchObject([
    [{ sku: 'C', quantity: 1, withdrawn: false, read_at: evening + 120_000 }],
    [{ sku: 'B', quantity: 0, withdrawn: true }],
  ])
  expect(counts.at(-1)).toEqual(['withdrawn', 1])
})

test('a reading that breaks off takes nothing for gone', async () => {
  const { erp, read, published } = openRig('A', 'B', 'C')
  await read()
  erp.before = (call) => {
    if (call === 'stock B') throw new DependencyError('erp', 'away')
  }
  await expect(read()).rejects.toThrow('away')
  expect(published).toHaveLength(2)
})

test('an ERP that shows nothing at all is unwell, not empty', async () => {
  const { erp, read, published } = openRig('A')
  await read()
  erp.levels = []
  await expect(read()).rejects.toThrow(/shows no stock at all/)
  expect(published).toHaveLength(1)
})

test('an ERP with more products than are read is named, and nothing is taken for gone', async () => {
  const { read, published } = openRig('A', 'B', 'C', 'D', 'E')
  await expect(read({ productsMax: 3 })).rejects.toThrow(
    /more than 3 products: raise STOCK_PRODUCTS_MAX/,
  )
  expect(published).toHaveLength(1)
})

test('who lost the duty in the middle of a page says nothing of it', async () => {
  const { read, published } = openRig('A', 'B', 'C')
  let pages = 0
  expect(await read({ goOn: () => (pages += 1) < 3 })).toBe(false)
  expect(published.map((levels) => levels.map(({ sku }) => sku))).toEqual([['A', 'B']])
})
