// What the ERP knows by code and the sink must name by id: company, products, warehouses, shops, sources.
// Kept for a while; forgotten when the ERP refuses something, since the cause may be a stale id.
import { DependencyError } from '../runtime/errors'
import { idOf, textOf, type Domain, type TrytonRecords } from './tryton-records'

export interface Product {
  readonly id: number
  readonly unit: number
}

export interface Company {
  readonly id: number
  readonly timeZone: string
}

export interface Warehouse {
  readonly id: number
  readonly storage: number
}

export interface CatalogueSettings {
  /** Code of the warehouse that serves orders naming none. */
  readonly warehouse: string
  /** Code of the place for goods that are reserved without a sale. */
  readonly reservedLocation: string
  /** Products that stand for what is no product. */
  readonly serviceSkus: readonly string[]
  readonly cacheMs: number
}

export type SourceModel = 'marketing.source' | 'marketing.campaign' | 'marketing.medium'

export class TrytonCatalogue {
  private readonly records: TrytonRecords
  private readonly settings: CatalogueSettings
  private readonly products = new Map<string, Product>()
  private readonly ids = new Map<string, number>()
  private readonly warehouses = new Map<string, Warehouse>()
  private ownCompany: Company | null = null
  private holds: boolean | null = null
  private readonly now: () => number
  private freshUntil = 0

  constructor(records: TrytonRecords, settings: CatalogueSettings, now: () => number) {
    this.records = records
    this.settings = settings
    this.now = now
  }

  /** Lets go of everything once it is old. */
  refresh(): void {
    if (this.now() < this.freshUntil) return
    this.forget()
    this.freshUntil = this.now() + this.settings.cacheMs
  }

  forget(): void {
    this.products.clear()
    this.ids.clear()
    this.warehouses.clear()
    this.ownCompany = null
    this.holds = null
  }

  /** @throws DependencyError naming everything the sink needs and does not find */
  async assertSetUp(): Promise<void> {
    await this.company()
    const { serviceSkus, warehouse, reservedLocation } = this.settings
    const products = await this.productsOf(serviceSkus)
    const missing = [
      ...serviceSkus.filter((sku) => !products.has(sku)).map((sku) => `service product ${sku}`),
      ...((await this.warehouse('')) === null ? [`warehouse ${warehouse}`] : []),
      ...((await this.reservedLocation()) === null ? [`location ${reservedLocation}`] : []),
    ]
    if (missing.length > 0) throw new DependencyError('erp', `has no ${missing.join(', no ')}`)
  }

  async company(): Promise<Company> {
    if (this.ownCompany !== null) return this.ownCompany
    const [company] = await this.records.search('company.company', [], ['timezone'])
    if (company === undefined) throw new DependencyError('erp', 'has no company the user works for')
    const timeZone = textOf(company['timezone'])
    this.ownCompany = {
      id: idOf(company['id'], 'company'),
      timeZone: timeZone === '' ? 'UTC' : timeZone,
    }
    return this.ownCompany
  }

  /** Whether this ERP lets a confirmed sale rest on purpose before it plans the shipment. */
  async holdsSales(): Promise<boolean> {
    if (this.holds !== null) return this.holds
    const [found] = await this.records.search('sale.configuration', [], ['sale_process_after'])
    const after = found?.['sale_process_after'] ?? null
    this.holds =
      typeof after === 'object' &&
      after !== null &&
      Number((after as { seconds?: number }).seconds) > 0
    return this.holds
  }

  /** The products of these SKUs; unknown ones are absent and asked for again next time. */
  async productsOf(skus: Iterable<string>): Promise<ReadonlyMap<string, Product>> {
    const missing = [...new Set(skus)].filter((sku) => !this.products.has(sku))
    if (missing.length > 0) {
      const found = await this.records.search(
        'product.product',
        [['code', 'in', missing]],
        ['code', 'sale_uom', 'default_uom'],
      )
      for (const { id, code, sale_uom, default_uom } of found) {
        const unit = idOf(sale_uom ?? default_uom, `unit of ${textOf(code)}`)
        this.products.set(textOf(code), { id: idOf(id, textOf(code)), unit })
      }
    }
    return this.products
  }

  /** The warehouse of a code; the default one for an empty code; null when there is none. */
  async warehouse(code: string): Promise<Warehouse | null> {
    const wanted = code === '' ? this.settings.warehouse : code
    const known = this.warehouses.get(wanted)
    if (known !== undefined) return known
    const [found] = await this.records.search(
      'stock.location',
      [
        ['type', '=', 'warehouse'],
        ['code', '=', wanted],
      ],
      ['storage_location'],
    )
    if (found === undefined) return null
    const warehouse = {
      id: idOf(found['id'], wanted),
      storage: idOf(found['storage_location'], `storage of ${wanted}`),
    }
    this.warehouses.set(wanted, warehouse)
    return warehouse
  }

  /** Every warehouse by its code; one without a code goes by its name. */
  async allWarehouses(): Promise<ReadonlyMap<string, number>> {
    const domain = [['type', '=', 'warehouse']]
    const found = await this.records.search('stock.location', domain, ['code', 'name'])
    return new Map(
      found.map(({ id, code, name }) => [textOf(code) || textOf(name), idOf(id, 'a warehouse')]),
    )
  }

  reservedLocation(): Promise<number | null> {
    return this.idBy('stock.location', [['code', '=', this.settings.reservedLocation]])
  }

  /** Only currencies of two decimals: amounts are in hundredths. */
  async currency(code: string): Promise<number | null> {
    return this.idBy('currency.currency', [
      ['code', '=', code],
      ['digits', '=', 2],
    ])
  }

  /** Null where the ERP has no shop of this platform: the sale then names none. */
  shop(platform: string): Promise<number | null> {
    return this.idBy('web.shop', [['name', '=', platform]])
  }

  /** Ids of sources, campaigns or media by their names in small letters; missing ones are created. */
  async sources(model: SourceModel, names: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const wanted = [...new Set(names)].map(sourceName).filter((name) => name !== '')
    const known = new Map<string, number>()
    const missing: string[] = []
    for (const name of wanted) {
      const id = this.ids.get(`${model} ${name}`)
      if (id === undefined) missing.push(name)
      else known.set(name, id)
    }
    const note = (name: string, id: number): void => {
      known.set(name, id)
      this.ids.set(`${model} ${name}`, id)
    }
    for (const [name, id] of await this.findSources(model, missing)) note(name, id)
    const absent = missing.filter((name) => !known.has(name))
    if (absent.length === 0) return known
    const created = await this.records.create(
      model,
      absent.map((name) => ({ name })),
    )
    // Another process may have been faster.
    const found = 'refused' in created ? await this.findSources(model, absent) : new Map()
    absent.forEach((name, index) => {
      const id = 'refused' in created ? (found.get(name) as number | undefined) : created[index]
      if (id === undefined) throw new DependencyError('erp', `takes no ${model} ${name}`)
      note(name, id)
    })
    return known
  }

  private async findSources(
    model: SourceModel,
    names: readonly string[],
  ): Promise<Map<string, number>> {
    if (names.length === 0) return new Map()
    // A name is unique among the retired ones too.
    const domain = [
      ['name', 'in', names],
      ['active', 'in', [true, false]],
    ]
    const found = await this.records.search(model, domain, ['name'])
    return new Map(found.map(({ id, name }) => [textOf(name), idOf(id, model)]))
  }

  private async idBy(model: string, domain: Domain): Promise<number | null> {
    const key = `${model} ${JSON.stringify(domain)}`
    const known = this.ids.get(key)
    if (known !== undefined) return known
    const [found] = await this.records.search(model, domain, ['id'])
    if (found === undefined) return null
    const id = idOf(found['id'], model)
    this.ids.set(key, id)
    return id
  }
}

/** As the ERP keeps it. */
export function sourceName(name: string): string {
  return name.trim().toLowerCase()
}
