// What Tryton has in stock, product by product. It computes quantities when asked, for the locations of the context:
// `quantity` as of today, `forecast_quantity` with everything planned, which is what shipments still to go leave.
import { DependencyError } from '../runtime/errors'
import type { ShownLevel } from '../core/stock/stock-changes'
import type { StockPage } from './erp-port'
import { idOf, textOf, type Values } from './tryton-records'
import type { SaleTools } from './tryton-sales'

const model = 'product.product'
const goods = [['type', '=', 'goods']]

export async function stockPage(
  { records, catalogue }: SaleTools,
  after: string | null,
  productsMax: number,
): Promise<StockPage> {
  const page = { domain: goods, after: Number(after ?? 0), limit: productsMax }
  const products = await records.page(model, ['code'], page)
  const skus = new Map(
    products.map(({ id, code }) => [idOf(id, 'a product'), textOf(code)] as const),
  )
  const ids = [...skus.keys()]
  const levels: ShownLevel[] = []
  const coded = ids.filter((id) => skus.get(id) !== '')
  for (const [warehouse, location] of coded.length === 0 ? [] : await catalogue.allWarehouses()) {
    const found = await records.readIn({ locations: [location] }, model, {
      ids: coded,
      fields: ['quantity', 'forecast_quantity'],
    })
    levels.push(...found.map((product) => levelOf(product, { skus, warehouse })))
  }
  const isLast = products.length < productsMax
  return { levels, products: products.length, next: isLast ? null : String(ids.at(-1)) }
}

function levelOf(
  { id, quantity, forecast_quantity }: Values,
  { skus, warehouse }: { readonly skus: ReadonlyMap<number, string>; readonly warehouse: string },
): ShownLevel {
  const sku = skus.get(idOf(id, 'a product')) ?? ''
  return {
    ...{ sku, warehouse },
    quantity: piecesOf(quantity, sku),
    forecast: piecesOf(forecast_quantity, sku),
  }
}

/** Whole pieces: what is less than one cannot be sold. */
function piecesOf(quantity: unknown, sku: string): number {
  if (typeof quantity === 'number' && Number.isFinite(quantity)) return Math.floor(quantity)
  throw new DependencyError('erp', `gives no quantity of ${sku}`)
}
