// Deltas of reserved stock as Tryton's internal shipments between a warehouse and the place for reserved goods:
// one out and one back at most, both with the delta's reference.
import { isRefusal, type Refusal, type StockDelta } from './erp-port'
import type { Product } from './tryton-catalogue'
import { idOf, refusal, textOf, type Values } from './tryton-records'
import type { SaleTools } from './tryton-sales'
import { dateAt } from './tryton-values'

const model = 'stock.shipment.internal'

interface Shipment {
  readonly id: number
  readonly state: string
}

/** Creates the delta's shipments when there are none, and brings them to their end. */
export async function bookDelta(tools: SaleTools, delta: StockDelta): Promise<Refusal | null> {
  const { records } = tools
  let shipments = await shipmentsOf(tools, delta.reference)
  if (shipments.length === 0) {
    const values = await shipmentValues(tools, delta)
    if (isRefusal(values)) return values
    const created = await records.create(model, values)
    if (isRefusal(created)) return created
    shipments = await shipmentsOf(tools, delta.reference)
  }
  const open = shipments.filter(({ state }) => state !== 'done').map(({ id }) => id)
  for (const button of ['wait', 'assign_force', 'done']) {
    const refused = await records.press(model, button, open)
    if (refused !== null) return refused
  }
  const after = await shipmentsOf(tools, delta.reference)
  return after.every(({ state }) => state === 'done')
    ? null
    : refusal(`internal shipment ${delta.reference} does not get done`)
}

async function shipmentsOf({ records }: SaleTools, reference: string): Promise<Shipment[]> {
  const found = await records.search(model, [['reference', '=', reference]], ['state'])
  return found.map(({ id, state }) => ({ id: idOf(id, reference), state: textOf(state) }))
}

async function shipmentValues(tools: SaleTools, delta: StockDelta): Promise<Values[] | Refusal> {
  const { catalogue } = tools
  const warehouse = await catalogue.warehouse(delta.warehouse)
  if (warehouse === null) return refusal(`no warehouse with code ${delta.warehouse}`)
  const reserved = await catalogue.reservedLocation()
  if (reserved === null) return refusal('no location for reserved goods')
  const skus = Object.keys(delta.pieces)
  const products = await catalogue.productsOf(skus)
  const unknown = skus.filter((sku) => !products.has(sku))
  if (unknown.length > 0) return refusal(`no product with code ${unknown.join(', ')}`)
  const { id: company, timeZone } = await catalogue.company()
  const date = dateAt(tools.now(), timeZone)
  const shipment = (from: number, to: number, pieces: [string, number][]): Values => ({
    company,
    reference: delta.reference,
    from_location: from,
    to_location: to,
    planned_date: date,
    planned_start_date: date,
    moves: [['create', pieces.map((piece) => moveValues(piece, { company, from, to, products }))]],
  })
  const all = Object.entries(delta.pieces)
  const out = all.filter(([, pieces]) => pieces > 0)
  const back = all.filter(([, pieces]) => pieces < 0)
  return [
    ...(out.length === 0 ? [] : [shipment(warehouse.storage, reserved, out)]),
    ...(back.length === 0 ? [] : [shipment(reserved, warehouse.storage, back)]),
  ]
}

function moveValues(
  [sku, pieces]: [string, number],
  {
    products,
    ...where
  }: {
    readonly company: number
    readonly from: number
    readonly to: number
    readonly products: ReadonlyMap<string, Product>
  },
): Values {
  const product = products.get(sku)
  return {
    company: where.company,
    from_location: where.from,
    to_location: where.to,
    product: product?.id,
    unit: product?.unit,
    quantity: Math.abs(pieces),
  }
}
