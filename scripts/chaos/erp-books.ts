// What the ERP holds in the end, read from the ERP itself. How an order came there may differ from run to run (one
// that is off before it was pushed is one cancelled sale, afterwards a sale and its correction); what it comes to may not.
import type { TrytonRpc } from '../../services/erp-sink/tryton-rpc'

/** One platform order in the ERP, its corrections included. */
export interface BookedOrder {
  readonly sales: number
  readonly netMinor: number
  /** Net pieces by SKU. */
  readonly pieces: Readonly<Record<string, number>>
  /** Marketing source, campaign and medium. */
  readonly source: string
}

export interface ErpBooks {
  readonly orders: ReadonlyMap<string, BookedOrder>
  /** Pieces by location and SKU, as they are and as they will be once every planned move is done. */
  readonly stock: ReadonlyMap<string, string>
}

interface SaleRecord {
  readonly id: number
  readonly web_id: string | null
  readonly state: string
  readonly total_amount: { readonly decimal: string }
  readonly 'marketing_source.': { readonly name: string } | null
  readonly 'marketing_campaign.': { readonly name: string } | null
  readonly 'marketing_medium.': { readonly name: string } | null
}

interface LineRecord {
  readonly sale: number
  readonly quantity: number
  readonly 'product.': { readonly code: string | null } | null
}

/** @throws DependencyError when the ERP does not answer */
export async function readErpBooks(rpc: TrytonRpc): Promise<ErpBooks> {
  const search = async <Row>(model: string, fields: readonly string[]): Promise<Row[]> =>
    (await rpc.ask(`model.${model}.search_read`, [[], 0, null, [['id', 'ASC']], fields])) as Row[]
  const sales = await search<SaleRecord>('sale.sale', [
    ...['web_id', 'state', 'total_amount'],
    ...['marketing_source.name', 'marketing_campaign.name', 'marketing_medium.name'],
  ])
  const lines = await search<LineRecord>('sale.line', ['sale', 'quantity', 'product.code'])
  return { orders: ordersFrom(sales, lines), stock: await readStock(rpc) }
}

function ordersFrom(
  sales: readonly SaleRecord[],
  lines: readonly LineRecord[],
): Map<string, BookedOrder> {
  const orders = new Map<string, BookedOrder>()
  for (const sale of sales) {
    const reference = sale.web_id ?? `without a reference ${sale.id}`
    const [key = ''] = reference.split('#')
    const known = orders.get(key) ?? { sales: 0, netMinor: 0, pieces: {}, source: '' }
    const counts = sale.state !== 'cancelled'
    const pieces: Record<string, number> = { ...known.pieces }
    for (const line of counts ? lines.filter((one) => one.sale === sale.id) : []) {
      const sku = line['product.']?.code ?? '?'
      // A refund without goods and a return net the money in different lines; its pieces are what counts as goods.
      if (sku.startsWith('SKU-')) pieces[sku] = (pieces[sku] ?? 0) + line.quantity
    }
    const isSale = reference === key
    orders.set(key, {
      sales: known.sales + (isSale ? 1 : 0),
      netMinor: known.netMinor + (counts ? Math.round(Number(sale.total_amount.decimal) * 100) : 0),
      pieces,
      source: isSale ? sourceOf(sale) : known.source,
    })
  }
  return orders
}

function sourceOf(sale: SaleRecord): string {
  return [sale['marketing_source.'], sale['marketing_campaign.'], sale['marketing_medium.']]
    .map((linked) => linked?.name ?? '')
    .join(' / ')
}

async function readStock(rpc: TrytonRpc): Promise<Map<string, string>> {
  const locations = (await rpc.ask('model.stock.location.search_read', [
    [['type', 'in', ['storage', 'warehouse']]],
    ...[0, null, [['id', 'ASC']], ['code', 'name']],
  ])) as { id: number; code: string | null; name: string }[]
  const products = (await rpc.ask('model.product.product.search', [
    [['type', '=', 'goods']],
    ...[0, null, [['id', 'ASC']]],
  ])) as number[]
  const stock = new Map<string, string>()
  for (const { id, code, name } of locations) {
    const found = (await rpc.ask(
      'model.product.product.read',
      [products, ['code', 'quantity', 'forecast_quantity']],
      { locations: [id] },
    )) as { code: string; quantity: number; forecast_quantity: number }[]
    for (const { code: sku, quantity, forecast_quantity: forecast } of found) {
      stock.set(`${code ?? name} ${sku}`, `${quantity} now, ${forecast} forecast`)
    }
  }
  return stock
}

/** How two books differ, for people: at most `max` of the differences, and how many there are. */
export function compareBooks(undisturbed: ErpBooks, disturbed: ErpBooks): string[] {
  return [
    ...compareMaps('order', textsOf(undisturbed.orders), textsOf(disturbed.orders)),
    ...compareMaps('stock', undisturbed.stock, disturbed.stock),
    ...[...disturbed.orders]
      .filter(([, { sales }]) => sales !== 1)
      .map(([key, { sales }]) => `order ${key}: ${sales} sales in the ERP`),
  ]
}

function textsOf(orders: ErpBooks['orders']): Map<string, string> {
  return new Map(
    [...orders].map(([key, { pieces, ...rest }]) => [key, textOf({ ...rest, pieces })]),
  )
}

function textOf({ pieces, ...rest }: BookedOrder): string {
  const sorted = Object.entries(pieces)
    .filter(([, quantity]) => quantity !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({ ...rest, pieces: Object.fromEntries(sorted) })
}

function compareMaps(
  kind: string,
  undisturbed: ReadonlyMap<string, string>,
  disturbed: ReadonlyMap<string, string>,
): string[] {
  const keys = [...new Set([...undisturbed.keys(), ...disturbed.keys()])].sort()
  return keys
    .filter((key) => undisturbed.get(key) !== disturbed.get(key))
    .map(
      (key) =>
        `${kind} ${key}: undisturbed ${undisturbed.get(key) ?? 'none'}, disturbed ${disturbed.get(key) ?? 'none'}`,
    )
}
