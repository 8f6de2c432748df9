// What an evening sells and from where: warehouses, products, stock, the shops and sources of each platform,
// and the user the sink works as.
import { decimal, dateAt } from '../../../services/erp-sink/tryton-values'
import type { ErpAdmin } from './erp-admin'
import { companyTimeZone, type Company } from './set-up-company'

const platforms = ['douyin', 'kuaishou', 'taobao', 'wechat', 'group']
const productCount = 50
const openingQuantity = 100_000
const services = [
  { code: 'SHIPPING', name: 'Freight' },
  { code: 'ROUNDING', name: 'Rounding' },
  { code: 'REFUND', name: 'Refund without goods' },
]

export async function setUpShop(admin: ErpAdmin, company: Company, nowMs: number): Promise<void> {
  const storages = await setUpWarehouses(admin)
  const products = await setUpProducts(admin, company)
  await setUpStock(admin, { company: company.company, storages, products, nowMs })
  await admin.create(
    'web.shop',
    platforms.map((name) => ({ name, company: company.company, currency: company.currency })),
  )
  await admin.create(
    'marketing.source',
    platforms.map((name) => ({ name })),
  )
}

/** A second warehouse, and a place outside both for goods that are promised but not sold. */
async function setUpWarehouses(admin: ErpAdmin): Promise<number[]> {
  const first = await admin.find('stock.location', ['code', '=', 'WH'])
  const place = (code: string, name: string, type: string): Promise<number> =>
    admin.createOne('stock.location', { code, name, type })
  const input = await place('SH1-IN', 'Shanghai input', 'storage')
  const output = await place('SH1-OUT', 'Shanghai output', 'storage')
  const storage = await place('SH1-STO', 'Shanghai storage', 'storage')
  await admin.createOne('stock.location', {
    code: 'SH1',
    name: 'Shanghai',
    type: 'warehouse',
    input_location: input,
    output_location: output,
    storage_location: storage,
    lost_found_location: await admin.find('stock.location', ['type', '=', 'lost_found']),
  })
  await place('RESERVED', 'Reserved by platform orders', 'storage')
  return [(await admin.read('stock.location', first, 'storage_location')) as number, storage]
}

async function setUpProducts(admin: ErpAdmin, company: Company): Promise<number[]> {
  const category = await admin.createOne('product.category', {
    name: 'Live goods',
    accounting: true,
    account_revenue: company.revenue,
    account_expense: company.expense,
  })
  const unit = await admin.find('product.uom', ['name', '=', 'Unit'])
  const template = { default_uom: unit, sale_uom: unit, salable: true, account_category: category }
  const goods = Array.from({ length: productCount }, (_, index) => {
    const code = `SKU-${String(index + 1).padStart(4, '0')}`
    const listPrice = decimal(1_000 + index * 700, 2)
    return {
      ...template,
      name: `Product ${index + 1}`,
      type: 'goods',
      list_price: listPrice,
      cost_price_method: 'fixed',
      products: [['create', [{ suffix_code: code }]]],
    }
  })
  await admin.create('product.template', goods)
  await admin.create(
    'product.template',
    services.map(({ code, name }) => ({
      ...template,
      name,
      type: 'service',
      list_price: decimal(0, 2),
      products: [['create', [{ suffix_code: code }]]],
    })),
  )
  return Promise.all(
    goods.map((_, index) =>
      admin.find('product.product', ['code', '=', `SKU-${String(index + 1).padStart(4, '0')}`]),
    ),
  )
}

async function setUpStock(
  admin: ErpAdmin,
  opening: {
    readonly company: number
    readonly storages: readonly number[]
    readonly products: readonly number[]
    readonly nowMs: number
  },
): Promise<void> {
  // The company's own day: Tryton takes a later one for a mistake and asks a person to confirm it.
  const date = dateAt(opening.nowMs, companyTimeZone)
  const lines = opening.products.map((product) => ({ product, quantity: openingQuantity }))
  const inventories = await admin.create(
    'stock.inventory',
    opening.storages.map((location) => ({
      company: opening.company,
      location,
      date,
      empty_quantity: 'keep',
      lines: [['create', lines]],
    })),
  )
  await admin.press('stock.inventory', 'confirm', inventories)
}
