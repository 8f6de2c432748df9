// What the ERP should hold of one platform order, in words of trade and of no particular ERP.
import { digestOf } from '../digest'
import type { AttributedOrder, Order, OrderLine } from '../records'
import { sourceFrom, type SourceFields } from './source-fields'
import { lineAmountMinor, unitPriceE4 } from './unit-price'

export interface DocumentLine {
  readonly sku: string
  /** Negative on a return. */
  readonly quantity: number
  /** 10^-4 of the currency's unit. */
  readonly unit_price_e4: number
  readonly title: string
}

/** The whole state one platform order should have in the ERP. Always absolute, never a change. */
export interface SaleDocument {
  /** Order key: the ERP's external reference. */
  readonly reference: string
  readonly platform: string
  readonly shop: string
  readonly order_id: string
  /** Names the buyer to the ERP; the same for every order of the same strongest identifier. */
  readonly buyer: string
  readonly currency: string
  readonly sold_at: number
  /** Empty: the ERP's default. */
  readonly warehouse: string
  readonly lines: readonly DocumentLine[]
  /** What the buyer paid, before refunds: what the ERP's lines sum to. */
  readonly total_minor: number
  /** What is left of it after refunds; 0 when cancelled. */
  readonly net_minor: number
  /** Pieces given back so far, by SKU. */
  readonly returned: Readonly<Record<string, number>>
  /** The whole order is off and the platform shipped none of it. */
  readonly cancelled: boolean
  readonly source: SourceFields | null
}

export interface DocumentSettings {
  /** Kinds of order the ERP gets; others are held back in stock positions only. */
  readonly kinds: readonly string[]
  /** Push once paid, or as soon as created. */
  readonly on: 'paid' | 'created'
  /** Whose credits name the source. */
  readonly model: string
  /** Service SKUs of the ERP for what is no product. */
  readonly freightSku: string
  readonly roundingSku: string
}

const shippedStatuses = new Set(['partly_shipped', 'shipped', 'completed'])

/** The document of an order, or null when the rule keeps it from the ERP. Pure; equal orders give equal documents. */
export function documentFrom(
  attributed: AttributedOrder,
  settings: DocumentSettings,
): SaleDocument | null {
  const { order } = attributed
  if (!settings.kinds.includes(order.kind)) return null
  if (settings.on === 'paid' && order.paid_at === null) return null
  const off = order.status === 'cancelled' || order.refunded_minor >= order.paid_minor
  const cancelled =
    order.status === 'cancelled' ||
    (off && order.refunded_minor > 0 && !shippedStatuses.has(order.status))
  return {
    reference: order.order_key,
    platform: order.platform,
    shop: order.shop,
    order_id: order.order_id,
    buyer: order.identifiers[0] ?? `order:${order.order_key}`,
    currency: order.currency,
    sold_at: order.paid_at ?? order.created_at,
    warehouse: order.lines.find(({ warehouse }) => warehouse !== '')?.warehouse ?? '',
    lines: linesOf(order, settings),
    total_minor: order.paid_minor,
    net_minor: cancelled ? 0 : order.paid_minor - order.refunded_minor,
    returned: returnedOf(order),
    cancelled,
    source: sourceFrom(attributed.credits, settings.model),
  }
}

/** Changes exactly when something the ERP should hold changes; who receives the goods is settled at creation. */
export function digestOfDocument(document: SaleDocument): string {
  return digestOf(JSON.stringify(document))
}

function linesOf(order: Order, settings: DocumentSettings): DocumentLine[] {
  const goods = order.lines.filter(({ quantity }) => quantity !== 0).map(lineOf)
  const service = (sku: string, title: string, amountMinor: number): DocumentLine[] =>
    amountMinor === 0 ? [] : [serviceLine(sku, title, amountMinor)]
  const lines = [...goods, ...service(settings.freightSku, 'Freight', order.freight_minor)]
  // From a hundred pieces on, four decimals cannot always state the price of one.
  const rounding = order.paid_minor - amountOf(lines)
  return [...lines, ...service(settings.roundingSku, 'Rounding', rounding)]
}

function lineOf({ sku, quantity, paid_minor, title }: OrderLine): DocumentLine {
  return { sku, quantity, unit_price_e4: unitPriceE4(paid_minor, quantity), title }
}

/** One piece of a service; a negative amount is a negative quantity, as ERPs want no negative prices. */
export function serviceLine(sku: string, title: string, amountMinor: number): DocumentLine {
  const quantity = amountMinor < 0 ? -1 : 1
  return { sku, quantity, unit_price_e4: Math.abs(amountMinor) * 100, title }
}

/** What the ERP will make of the lines, in minor units. */
export function amountOf(lines: readonly DocumentLine[]): number {
  return lines.reduce((sum, line) => sum + lineAmountMinor(line.unit_price_e4, line.quantity), 0)
}

function returnedOf(order: Order): Record<string, number> {
  const returned: Record<string, number> = {}
  for (const { sku, refunded_quantity } of [...order.lines].sort((a, b) =>
    a.sku < b.sku ? -1 : 1,
  )) {
    if (refunded_quantity === 0) continue
    returned[sku] = (returned[sku] ?? 0) + refunded_quantity
  }
  return returned
}
