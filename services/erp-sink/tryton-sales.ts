// Platform orders as Tryton's sales: `web_id`, which Tryton keeps unique, is the order key. What changes money
// or goods after confirmation is a further sale with the first as its origin.
import type { Correction, ErpDocument, ErpSale } from '../core/erp/delivery-plan'
import type { DocumentLine, SaleDocument } from '../core/erp/sale-document'
import { noteIn, noteOf, withNote, type SourceFields } from '../core/erp/source-fields'
import { DependencyError } from '../runtime/errors'
import {
  isRefusal,
  type NewCorrection,
  type NewSale,
  type Refusal,
  type SaleState,
} from './erp-port'
import type { Product, SourceModel, TrytonCatalogue } from './tryton-catalogue'
import { ensureParties } from './tryton-parties'
import {
  idOf,
  linkedText,
  refusal,
  textOf,
  type TrytonRecords,
  type Values,
} from './tryton-records'
import { dateAt, decimal, unitsOf } from './tryton-values'

const model = 'sale.sale'
const saleFields = [
  ...['web_id', 'state', 'total_amount', 'comment', 'origin', 'shipment_state', 'shipments'],
  ...[
    'shipment_returns',
    'marketing_source.name',
    'marketing_campaign.name',
    'marketing_medium.name',
  ],
]
/** What a correction takes over from its sale. */
const inheritedFields = [
  ...[
    'company',
    'party',
    'invoice_address',
    'shipment_address',
    'contact',
    'currency',
    'warehouse',
  ],
  ...['web_shop', 'reference', 'invoice_method', 'shipment_method', 'comment'],
  ...['marketing_source', 'marketing_campaign', 'marketing_medium'],
]

export interface SaleTools {
  readonly records: TrytonRecords
  readonly catalogue: TrytonCatalogue
  now(): number
}

/** The sales of these references with their corrections and what became of their goods. */
export async function findSales(
  { records, catalogue }: SaleTools,
  references: readonly string[],
): Promise<Map<string, ErpSale>> {
  const found = await records.search(model, [['web_id', 'in', references]], saleFields)
  if (found.length === 0) return new Map()
  const origins = found.map(({ id }) => `${model},${String(id)}`)
  const corrections = await records.search(model, [['origin', 'in', origins]], saleFields)
  const quantities = await quantitiesOf(records, corrections)
  const goods = await goodsOf(records, [...found, ...corrections])
  const holds = await catalogue.holdsSales()
  const sales = found.map((record): [string, ErpSale] => {
    const own = corrections.filter(({ origin }) => origin === `${model},${String(record['id'])}`)
    const shipments = [record, ...own].flatMap((one) => goods(one))
    return [
      textOf(record['web_id']),
      {
        ...documentOf(record, { quantities: {}, holds }),
        shipped: goods(record).some((state) => state === 'shipped' || state === 'done'),
        moving: shipments.includes('open') || record['shipment_state'] === 'exception',
        channel: linkedText(record, 'marketing_source', 'name'),
        campaign: linkedText(record, 'marketing_campaign', 'name'),
        streamer: linkedText(record, 'marketing_medium', 'name'),
        note: noteIn(textOf(record['comment'])),
        corrections: own.map((one) =>
          documentOf(one, { quantities: quantities.get(idOf(one['id'], model)) ?? {}, holds }),
        ),
      },
    ]
  })
  return new Map(sales)
}

/** What became of the sales of these references. */
export async function saleStates(
  { records, catalogue }: SaleTools,
  references: readonly string[],
): Promise<Map<string, SaleState>> {
  const fields = ['web_id', 'state', 'total_amount']
  const found = await records.search(model, [['web_id', 'in', references]], fields)
  const holds = await catalogue.holdsSales()
  return new Map(
    found.map((record) => {
      const { reference, state, erp_state } = documentOf(record, { quantities: {}, holds })
      return [reference, { state, erp_state }]
    }),
  )
}

/** Drafts sales, with parties and source names created as needed. */
export async function draftSales(
  tools: SaleTools,
  sales: readonly NewSale[],
): Promise<readonly string[] | Refusal> {
  const { records } = tools
  const products = await productsFor(
    tools,
    sales.flatMap(({ document }) => document.lines),
  )
  if (isRefusal(products)) return products
  const parties = await ensureParties(
    records,
    sales.map(({ document, buyer }) => ({ code: document.buyer, buyer })),
  )
  if (isRefusal(parties)) return parties
  const values: Values[] = []
  for (const [index, { document }] of sales.entries()) {
    const head = await headOf(tools, document)
    if (isRefusal(head)) return head
    const party = parties[index]
    if (party === undefined) {
      throw new DependencyError('erp', `no party for the buyer of ${document.reference}`)
    }
    values.push({
      ...head,
      party: party.party,
      invoice_address: party.address,
      shipment_address: party.address,
      contact: party.contact,
      lines: [['create', document.lines.map((line) => lineValues(line, products))]],
    })
  }
  return idsOf(await records.create(model, values))
}

/** Drafts corrections, addressed and attributed like their sales. */
export async function draftCorrections(
  tools: SaleTools,
  corrections: readonly NewCorrection[],
): Promise<readonly string[] | Refusal> {
  const { records, catalogue } = tools
  const products = await productsFor(
    tools,
    corrections.flatMap(({ correction }) => correction.lines),
  )
  if (isRefusal(products)) return products
  const origins = await records.read(
    model,
    corrections.map(({ saleId }) => Number(saleId)),
    inheritedFields,
  )
  const byId = new Map(origins.map((origin) => [String(origin['id']), origin]))
  const { timeZone } = await catalogue.company()
  const values = corrections.map(({ saleId, correction }) => ({
    ...inherited(byId.get(saleId) ?? {}, correction),
    origin: `${model},${saleId}`,
    web_id: correction.reference,
    description: `Correction of ${textOf(byId.get(saleId)?.['reference'])}`,
    sale_date: dateAt(tools.now(), timeZone),
    lines: [['create', correction.lines.map((line) => lineValues(line, products))]],
  }))
  return idsOf(await records.create(model, values))
}

/** Source fields stay writable in every state; our line in the comment holds what has no field. */
export async function amendSource(
  tools: SaleTools,
  sale: ErpSale,
  source: SourceFields,
): Promise<Refusal | null> {
  const { records } = tools
  const ids = [sale, ...sale.corrections].map(({ id }) => Number(id))
  const fields = await sourceValues(tools, source)
  const [record] = await records.read(model, [Number(sale.id)], ['comment'])
  const comment = withNote(textOf(record?.['comment']), noteOf(source))
  return records.write(model, ids, { ...fields, comment })
}

async function headOf(tools: SaleTools, document: SaleDocument): Promise<Values | Refusal> {
  const { catalogue } = tools
  const company = await catalogue.company()
  const currency = await catalogue.currency(document.currency)
  if (currency === null) return refusal(`no currency ${document.currency} of two decimals`)
  const warehouse = await catalogue.warehouse(document.warehouse)
  if (warehouse === null) return refusal(`no warehouse with code ${document.warehouse}`)
  // A later day than the company's own is taken for a mistake.
  const soldAt = Math.min(document.sold_at, tools.now())
  return {
    company: company.id,
    currency,
    warehouse: warehouse.id,
    web_shop: await catalogue.shop(document.platform),
    web_id: document.reference,
    reference: document.order_id,
    description: `${document.platform} ${document.shop}`,
    sale_date: dateAt(soldAt, company.timeZone),
    ...(document.source === null
      ? {}
      : {
          ...(await sourceValues(tools, document.source)),
          comment: noteOf(document.source),
        }),
  }
}

/** A streamer is what carries the message to the buyer: the medium, in Tryton's words. */
async function sourceValues({ catalogue }: SaleTools, source: SourceFields): Promise<Values> {
  const id = async (kind: SourceModel, name: string): Promise<number | null> => {
    const ids = await catalogue.sources(kind, [name])
    return [...ids.values()][0] ?? null
  }
  return {
    marketing_source: await id('marketing.source', source.channel),
    marketing_campaign: await id('marketing.campaign', source.campaign),
    marketing_medium: await id('marketing.medium', source.streamer),
  }
}

function inherited(origin: Values, correction: Correction): Values {
  const values = Object.fromEntries(
    inheritedFields.map((field): [string, unknown] => [field, origin[field] ?? null]),
  )
  if (correction.moves_goods) return values
  // Without goods there is no shipment to wait for, nor an invoice that waits for one.
  const invoiceMethod = origin['invoice_method'] === 'shipment' ? 'order' : origin['invoice_method']
  return { ...values, shipment_method: 'manual', invoice_method: invoiceMethod }
}

function lineValues(line: DocumentLine, products: ReadonlyMap<string, Product>): Values {
  const product = products.get(line.sku)
  if (product === undefined) throw new DependencyError('erp', `lost product ${line.sku}`)
  return {
    type: 'line',
    product: product.id,
    unit: product.unit,
    quantity: line.quantity,
    unit_price: decimal(line.unit_price_e4, 4),
    ...(line.title === '' ? {} : { description: line.title }),
  }
}

async function productsFor(
  { catalogue }: SaleTools,
  lines: readonly DocumentLine[],
): Promise<ReadonlyMap<string, Product> | Refusal> {
  const products = await catalogue.productsOf(lines.map(({ sku }) => sku))
  const unknown = [...new Set(lines.map(({ sku }) => sku))].filter((sku) => !products.has(sku))
  return unknown.length === 0 ? products : refusal(`no product with code ${unknown.join(', ')}`)
}

async function quantitiesOf(
  records: TrytonRecords,
  sales: readonly Values[],
): Promise<Map<number, Record<string, number>>> {
  const bySale = new Map<number, Record<string, number>>()
  if (sales.length === 0) return bySale
  const ids = sales.map(({ id }) => id)
  const lines = await records.search(
    'sale.line',
    [
      ['sale', 'in', ids],
      ['type', '=', 'line'],
    ],
    ['sale', 'product.code', 'quantity'],
  )
  for (const line of lines) {
    const sale = idOf(line['sale'], model)
    const pieces = bySale.get(sale) ?? {}
    const sku = linkedText(line, 'product', 'code')
    pieces[sku] = (pieces[sku] ?? 0) + Number(line['quantity'])
    bySale.set(sale, pieces)
  }
  return bySale
}

type GoodsState = 'open' | 'shipped' | 'done' | 'cancelled'

/** The states of the shipments, out and back, of each sale. */
async function goodsOf(
  records: TrytonRecords,
  sales: readonly Values[],
): Promise<(sale: Values) => GoodsState[]> {
  const states = new Map<string, GoodsState>()
  for (const [field, kind] of [
    ['shipments', 'stock.shipment.out'],
    ['shipment_returns', 'stock.shipment.out.return'],
  ] as const) {
    const ids = sales.flatMap((sale) => sale[field] as number[])
    if (ids.length === 0) continue
    for (const { id, state } of await records.search(kind, [['id', 'in', ids]], ['state'])) {
      states.set(`${field} ${String(id)}`, goodsStateOf(textOf(state)))
    }
  }
  return (sale) =>
    (['shipments', 'shipment_returns'] as const).flatMap((field) =>
      (sale[field] as number[]).map((id) => states.get(`${field} ${id}`) ?? 'open'),
    )
}

function goodsStateOf(state: string): GoodsState {
  return state === 'shipped' || state === 'done' || state === 'cancelled' ? state : 'open'
}

const stateOf: Readonly<Record<string, ErpDocument['state']>> = {
  draft: 'drafted',
  quotation: 'drafted',
  processing: 'confirmed',
  done: 'confirmed',
  cancelled: 'cancelled',
}

/**
 * Tryton confirms a sale and plans its shipment in two transactions. Where it does not hold sales on purpose, one that is
 * merely confirmed was cut off between the two and has to be confirmed to its end.
 */
function documentOf(
  record: Values,
  given: { readonly quantities: Readonly<Record<string, number>>; readonly holds: boolean },
): ErpDocument {
  const state = textOf(record['state'])
  const known = state === 'confirmed' ? (given.holds ? 'held' : 'drafted') : stateOf[state]
  const total = unitsOf(record['total_amount'], 2)
  if (known === undefined || total === null) {
    throw new DependencyError('erp', `shows sale ${String(record['id'])} in a way not understood`)
  }
  return {
    id: String(record['id']),
    reference: textOf(record['web_id']),
    state: known,
    erp_state: state,
    total_minor: total,
    quantities: given.quantities,
  }
}

function idsOf(answer: readonly number[] | Refusal): readonly string[] | Refusal {
  return isRefusal(answer) ? answer : answer.map(String)
}
