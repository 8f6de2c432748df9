// An ERP in memory, with the promises of the port and a list of the calls it got.
import type { Correction, ErpDocument, ErpSale } from '../../services/core/erp/delivery-plan'
import {
  amountOf,
  type DocumentLine,
  type SaleDocument,
} from '../../services/core/erp/sale-document'
import { noteOf, type SourceFields } from '../../services/core/erp/source-fields'
import type { ShownLevel } from '../../services/core/stock/stock-changes'
import type { ErpPort, Refusal } from '../../services/erp-sink/erp-port'

interface Held extends Omit<ErpSale, 'corrections'> {
  readonly origin: string
}

export interface FakeErp extends ErpPort {
  /** Each call with the references it was about. */
  readonly calls: string[]
  /** Runs before each call; throwing keeps the call from happening. */
  before: (call: string) => void | Promise<void>
  /** Runs after each call; throwing keeps its answer from arriving. */
  after: (call: string) => void | Promise<void>
  /** SKUs it has no product for. */
  readonly unknown: Set<string>
  readonly stock: Map<string, number>
  /** What it shows of its stock. */
  levels: ShownLevel[]
  sales(): readonly Held[]
}

export function createFakeErp(): FakeErp {
  const held = new Map<string, Held>()
  const deltas = new Set<string>()
  let ids = 0

  const byId = (id: string): Held => {
    const found = [...held.values()].find((one) => one.id === id)
    if (found === undefined) throw new Error(`no sale ${id}`)
    return found
  }
  const change = (id: string, changes: Partial<Held>): void => {
    const one = byId(id)
    held.set(one.reference, { ...one, ...changes })
  }
  const draft = (
    wanted: {
      readonly reference: string
      readonly lines: readonly DocumentLine[]
      readonly origin: string
      readonly source: SourceFields | null
    }[],
  ): readonly string[] | Refusal => {
    const skus = wanted.flatMap(({ lines }) => lines.map(({ sku }) => sku))
    const missing = skus.filter((sku) => fake.unknown.has(sku))
    if (missing.length > 0) {
      return { refused: `no product with code ${missing.join()}`, duplicate: false }
    }
    if (wanted.some(({ reference }) => held.has(reference))) {
      return { refused: 'The web ID on the sale must be unique.', duplicate: true }
    }
    return wanted.map(({ reference, lines, origin, source }) => {
      ids += 1
      const quantities: Record<string, number> = {}
      for (const { sku, quantity } of lines) quantities[sku] = (quantities[sku] ?? 0) + quantity
      held.set(reference, {
        ...{ id: String(ids), reference, origin, quantities, total_minor: amountOf(lines) },
        ...{ state: 'drafted', erp_state: 'draft', shipped: false, moving: false },
        ...sourceOf(source),
      })
      return String(ids)
    })
  }
  const called = async <T>(call: string, act: () => T): Promise<T> => {
    await fake.before(call)
    fake.calls.push(call)
    const answer = act()
    await fake.after(call)
    return answer
  }
  const namesOf = (list: readonly string[]): string => list.map((id) => byId(id).reference).join()

  const fake: FakeErp = {
    calls: [],
    before: () => undefined,
    after: () => undefined,
    unknown: new Set(),
    stock: new Map(),
    levels: [],
    sales: () => [...held.values()],
    check: () => called('check', () => undefined),
    findSales: (references) =>
      called(`find ${references.join()}`, () => {
        const found = references.flatMap((reference) => held.get(reference) ?? [])
        return new Map(
          found.map((sale) => {
            const own = [...held.values()].filter(({ origin }) => origin === sale.id)
            return [sale.reference, { ...sale, corrections: own satisfies ErpDocument[] }]
          }),
        )
      }),
    saleStates: (references) =>
      called(`states ${references.join()}`, () => {
        const found = references.flatMap((reference) => held.get(reference) ?? [])
        return new Map(
          found.map(({ reference, state, erp_state }) => [reference, { state, erp_state }]),
        )
      }),
    draftSales: (sales) =>
      called(`draft ${sales.map(({ document }) => document.reference).join()}`, () =>
        draft(sales.map(({ document }) => newSale(document))),
      ),
    draftCorrections: (corrections) =>
      called(`correct ${corrections.map(({ correction }) => correction.reference).join()}`, () =>
        draft(
          corrections.map(({ saleId, correction, document }) =>
            newCorrection(saleId, correction, document),
          ),
        ),
      ),
    confirm: (list) =>
      called(`confirm ${namesOf(list)}`, () => {
        for (const id of list) {
          if (byId(id).state === 'drafted') {
            change(id, { state: 'confirmed', erp_state: 'processing', moving: true })
          }
        }
        return null
      }),
    cancel: (list) =>
      called(`cancel ${namesOf(list)}`, () => {
        for (const id of list) change(id, { state: 'cancelled', erp_state: 'cancelled' })
        return null
      }),
    withdraw: (id) =>
      called(`withdraw ${namesOf([id])}`, () => {
        change(id, { moving: false })
        return null
      }),
    amend: (sale, source) =>
      called(`amend ${sale.reference}`, () => {
        change(sale.id, sourceOf(source))
        return null
      }),
    unknownSkus: (skus) =>
      called('skus', () => new Set(skus.filter((sku) => fake.unknown.has(sku)))),
    bookDelta: ({ reference, pieces }) =>
      called('book', () => {
        if (deltas.has(reference)) return null
        deltas.add(reference)
        for (const [sku, count] of Object.entries(pieces)) {
          fake.stock.set(sku, (fake.stock.get(sku) ?? 0) + count)
        }
        return null
      }),
    stockPage: (after, productsMax) =>
      called(`stock ${after ?? ''}`, () => {
        const skus = [...new Set(fake.levels.map(({ sku }) => sku))].sort()
        const page = skus.filter((sku) => sku > (after ?? '')).slice(0, productsMax)
        const levels = fake.levels.filter(({ sku }) => page.includes(sku))
        const next = page.length < productsMax ? null : (page.at(-1) ?? null)
        return { levels, products: page.length, next }
      }),
    close: () => Promise.resolve(),
  }
  return fake
}

function newSale({ reference, lines, source }: SaleDocument) {
  return { reference, lines, origin: '', source }
}

function newCorrection(origin: string, { reference, lines }: Correction, { source }: SaleDocument) {
  return { reference, lines, origin, source }
}

function sourceOf(source: SourceFields | null) {
  return {
    channel: source?.channel ?? '',
    campaign: source?.campaign ?? '',
    streamer: source?.streamer ?? '',
    note: source === null ? '' : noteOf(source),
  }
}
