// What a reading of the ERP's stock says that was not known: only that is published.
import { joinKey } from '../figures/figure'
import { stockLevelPrecedence } from '../figures/figure-precedence'
import type { StockLevel } from '../records'

/** What the ERP shows of a SKU in a warehouse. */
export type ShownLevel = Pick<StockLevel, 'sku' | 'warehouse' | 'quantity' | 'forecast'>

/** What was published last, by key. */
export type KnownLevels = Map<string, StockLevel>

export interface Reading {
  /** Which ERP. */
  readonly source: string
  /** Epoch milliseconds. */
  readonly readAt: number
}

export function stockLevelKey({ sku, warehouse }: Pick<StockLevel, 'sku' | 'warehouse'>): string {
  return joinKey([sku, warehouse])
}

/** Takes note of a published level; of two the one read later holds, in whatever order they come. */
export function noteLevel(known: KnownLevels, level: StockLevel): void {
  const key = stockLevelKey(level)
  const before = known.get(key)
  if (before === undefined || stockLevelPrecedence(level) > stockLevelPrecedence(before)) {
    known.set(key, level)
  }
}

/** Of what is shown, what differs from what is known. */
export function changedLevels(
  known: KnownLevels,
  shown: readonly ShownLevel[],
  { source, readAt }: Reading,
): StockLevel[] {
  return shown.flatMap(({ sku, warehouse, quantity, forecast }) => {
    const before = known.get(stockLevelKey({ sku, warehouse }))
    const isKnown =
      before?.withdrawn === false && before.quantity === quantity && before.forecast === forecast
    if (isKnown) return []
    return [{ sku, warehouse, quantity, forecast, withdrawn: false, source, read_at: readAt }]
  })
}

/** What is known and was not shown by a reading that came to its end: it is there no more. */
export function vanishedLevels(
  known: KnownLevels,
  shown: ReadonlySet<string>,
  { source, readAt }: Reading,
): StockLevel[] {
  return [...known].flatMap(([key, { sku, warehouse, withdrawn }]) => {
    if (withdrawn || shown.has(key)) return []
    const gone = { quantity: 0, forecast: null, withdrawn: true }
    return [{ sku, warehouse, ...gone, source, read_at: readAt }]
  })
}
