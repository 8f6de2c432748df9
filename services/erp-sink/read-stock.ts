// One reading of what the ERP has in stock, in pages, at a pace that leaves it most of its time for orders.
import { setTimeout as pause } from 'node:timers/promises'
import { changedLevels, stockLevelKey, vanishedLevels } from '../core/stock/stock-changes'
import { DependencyError } from '../runtime/errors'
import type { ErpPort } from './erp-port'
import type { StockTopic } from './stock-topic'

export interface StockReading {
  readonly erp: Pick<ErpPort, 'stockPage'>
  readonly topic: StockTopic
  /** Names the ERP in what is published. */
  readonly source: string
  /** Products in one call. */
  readonly pageProducts: number
  /** Most products; an ERP with more is not read to its end. */
  readonly productsMax: number
  readonly now: () => number
  /** False once the service stops, or the duty is another's. */
  readonly goOn: () => boolean
  readonly published: (outcome: 'changed' | 'withdrawn', levels: number) => void
}

/** Of each page's time, how often that is left to deliveries. */
const restAfterPage = 4

/**
 * Publishes what changed since the reading before, page by page, and in the end what is there no more.
 * @returns whether it came to its end. @throws DependencyError: what was not read stands as it was
 */
export async function readStock(reading: StockReading): Promise<boolean> {
  const { erp, topic, source, pageProducts, productsMax, now, goOn } = reading
  const known = await topic.catchUp()
  const shown = new Set<string>()
  let products = 0
  let after: string | null = null
  do {
    const startedAt = performance.now()
    const page = await erp.stockPage(after, pageProducts)
    const tookMs = performance.now() - startedAt
    products += page.products
    if (products > productsMax) {
      throw new DependencyError(
        'erp',
        `has more than ${productsMax} products: raise STOCK_PRODUCTS_MAX`,
      )
    }
    if (!goOn()) return false
    for (const level of page.levels) shown.add(stockLevelKey(level))
    const changed = changedLevels(known, page.levels, { source, readAt: now() })
    await topic.publish(changed)
    reading.published('changed', changed.length)
    after = page.next
    if (after !== null) await pause(restAfterPage * tookMs)
    if (!goOn()) return false
  } while (after !== null)
  // A right that was taken away looks like an empty warehouse.
  if (shown.size === 0 && known.size > 0) {
    throw new DependencyError('erp', 'shows no stock at all: may its user still read products?')
  }
  const vanished = vanishedLevels(known, shown, { source, readAt: now() })
  await topic.publish(vanished)
  reading.published('withdrawn', vanished.length)
  return true
}
