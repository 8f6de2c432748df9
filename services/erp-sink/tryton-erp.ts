// Tryton 7.0 behind the port.
import type { ErpPort, Refusal } from './erp-port'
import { TrytonCatalogue, type CatalogueSettings } from './tryton-catalogue'
import { TrytonRecords, type Values } from './tryton-records'
import type { TrytonRpc } from './tryton-rpc'
import {
  amendSource,
  draftCorrections,
  draftSales,
  findSales,
  saleStates,
  type SaleTools,
} from './tryton-sales'
import { stockPage } from './tryton-levels'
import { createBookDelta } from './tryton-stock'

const model = 'sale.sale'

export function createTrytonErp(
  rpc: TrytonRpc,
  settings: CatalogueSettings,
  now: () => number,
): ErpPort {
  const records = new TrytonRecords(rpc)
  const catalogue = new TrytonCatalogue(records, settings, now)
  const tools: SaleTools = { records, catalogue, now }
  const bookDelta = createBookDelta(tools, rpc.timeoutMs)
  /** What was refused may have named something the ERP changed since we asked. */
  const forgetting = async <T>(call: Promise<T | Refusal>): Promise<T | Refusal> => {
    const answer = await call
    if (typeof answer === 'object' && answer !== null && 'refused' in answer) catalogue.forget()
    return answer
  }
  return {
    check: async () => {
      catalogue.refresh()
      await catalogue.assertSetUp()
    },
    findSales: (references) => {
      catalogue.refresh()
      return findSales(tools, references)
    },
    saleStates: (references) => saleStates(tools, references),
    draftSales: (sales) => forgetting(draftSales(tools, sales)),
    draftCorrections: (corrections) => forgetting(draftCorrections(tools, corrections)),
    confirm: (ids) => confirmSales(tools, ids.map(Number)),
    cancel: (ids) => cancelSales(records, ids.map(Number)),
    withdraw: (id) => withdrawGoods(records, Number(id)),
    amend: (sale, source) => forgetting(amendSource(tools, sale, source)),
    unknownSkus: async (skus) => {
      const products = await catalogue.productsOf(skus)
      return new Set(skus.filter((sku) => !products.has(sku)))
    },
    bookDelta: (delta) => forgetting(bookDelta(delta)),
    stockPage: (after, productsMax) => stockPage(tools, after, productsMax),
    close: () => rpc.logout(),
  }
}

async function confirmSales(
  { records, catalogue }: SaleTools,
  ids: readonly number[],
): Promise<Refusal | null> {
  for (const button of ['quote', 'confirm']) {
    const refused = await records.press(model, button, ids)
    if (refused !== null) return refused
  }
  if (await catalogue.holdsSales()) return null
  return records.press(model, 'process', await stillConfirmed(records, ids))
}

async function stillConfirmed(records: TrytonRecords, ids: readonly number[]): Promise<number[]> {
  const domain = [
    ['id', 'in', ids],
    ['state', '=', 'confirmed'],
  ]
  return (await records.search(model, domain, ['state'])).map(({ id }) => Number(id))
}

/** A confirmed sale goes back to being a draft first; a draft does not mind the button. */
async function cancelSales(
  records: TrytonRecords,
  ids: readonly number[],
): Promise<Refusal | null> {
  const confirmed = await stillConfirmed(records, ids)
  return (
    (await records.press(model, 'draft', confirmed)) ?? (await records.press(model, 'cancel', ids))
  )
}

/** Cancels what is planned to move for a sale, out and back, and tells the sale not to plan it again. */
async function withdrawGoods(records: TrytonRecords, id: number): Promise<Refusal | null> {
  const sales = await records.search(
    model,
    ['OR', ['id', '=', id], ['origin', '=', `${model},${id}`]],
    ['shipments', 'shipment_returns'],
  )
  const open = async (kind: string, field: string): Promise<number[]> => {
    const ids = sales.flatMap((sale) => sale[field] as number[])
    const found = await records.search(
      kind,
      [
        ['id', 'in', ids],
        ['state', 'not in', ['shipped', 'done', 'cancelled']],
      ],
      ['state'],
    )
    return found.map((shipment) => Number(shipment['id']))
  }
  for (const [kind, field] of [
    ['stock.shipment.out', 'shipments'],
    ['stock.shipment.out.return', 'shipment_returns'],
  ] as const) {
    const refused = await records.press(kind, 'cancel', await open(kind, field))
    if (refused !== null) return refused
  }
  return acceptCancelledMoves(records, sales)
}

async function acceptCancelledMoves(
  records: TrytonRecords,
  sales: readonly Values[],
): Promise<Refusal | null> {
  const excepted = await records.search(
    model,
    [
      ['id', 'in', sales.map(({ id }) => id)],
      ['shipment_state', '=', 'exception'],
    ],
    ['state'],
  )
  for (const { id } of excepted) {
    const refused = await records.runWizard(
      'sale.handle.shipment.exception',
      { model, id: Number(id) },
      {
        form: 'ask',
        next: 'handle',
        fill: ({ domain_moves }) => ({ recreate_moves: [], domain_moves }),
      },
    )
    if (refused !== null) return refused
  }
  return null
}
