// What the sink asks of an ERP, in words of trade. Another ERP is another implementation of this.
import type { Correction, ErpSale } from '../core/erp/delivery-plan'
import type { SaleDocument } from '../core/erp/sale-document'
import type { SourceFields } from '../core/erp/source-fields'
import type { Totals } from '../core/erp/stock-delta'
import type { ShownLevel } from '../core/stock/stock-changes'

/** The ERP takes the call but not its content. Nothing of the call was kept. */
export interface Refusal {
  /** In its own words. */
  readonly refused: string
  /** A reference of the call exists already: look again, it may be ours. */
  readonly duplicate: boolean
}

export function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'refused' in answer
}

export interface BuyerAddress {
  readonly country: string
  readonly province: string
  readonly city: string
  readonly district: string
  readonly street: string
  readonly postal_code: string
}

/** Who gets the goods, as far as the order says. */
export interface Buyer {
  readonly name: string
  readonly phone: string
  readonly address: BuyerAddress | null
}

export interface NewSale {
  readonly document: SaleDocument
  readonly buyer: Buyer
}

export interface NewCorrection {
  readonly saleId: string
  readonly document: SaleDocument
  readonly correction: Correction
}

export interface SaleState {
  readonly state: ErpSale['state']
  /** In the ERP's own word. */
  readonly erp_state: string
}

export interface StockDelta {
  /** Unique for ever: what the delta is found by. */
  readonly reference: string
  /** Empty: the ERP's default. */
  readonly warehouse: string
  /** Pieces to reserve by SKU, negative to release. */
  readonly pieces: Totals
}

/** What the ERP has of some of its products, in every warehouse. */
export interface StockPage {
  readonly levels: readonly ShownLevel[]
  /** How many products were looked at, those without a SKU included. */
  readonly products: number
  /** What to ask for next; null after the last. */
  readonly next: string | null
}

/**
 * Every method throws a DependencyError when the ERP is away or unwell; what it did is unknown then and has to be
 * looked up. A call for several documents is done for all or for none.
 */
export interface ErpPort {
  /** Whether the sink can work there at all. @throws DependencyError telling the operator what is missing */
  check(): Promise<void>
  /** The sales that exist of these references, with their corrections. */
  findSales(references: readonly string[]): Promise<ReadonlyMap<string, ErpSale>>
  /** The states of the sales that exist of these references, and nothing else of them. */
  saleStates(references: readonly string[]): Promise<ReadonlyMap<string, SaleState>>
  /** Drafts sales; gives their ids in order. */
  draftSales(sales: readonly NewSale[]): Promise<readonly string[] | Refusal>
  /** Drafts documents that change what a sale stands for; gives their ids in order. */
  draftCorrections(corrections: readonly NewCorrection[]): Promise<readonly string[] | Refusal>
  /** Makes drafts binding. */
  confirm(ids: readonly string[]): Promise<Refusal | null>
  /** Takes back drafts and sales from which nothing has followed. */
  cancel(ids: readonly string[]): Promise<Refusal | null>
  /** Calls back the goods of a confirmed sale that has not left the warehouse. */
  withdraw(id: string): Promise<Refusal | null>
  /** Names another source on a sale and its corrections, in whatever state they are. */
  amend(sale: ErpSale, source: SourceFields): Promise<Refusal | null>
  /** Of these SKUs those the ERP has no product for. */
  unknownSkus(skus: readonly string[]): Promise<ReadonlySet<string>>
  /** Books a delta unless one of its reference is booked; finishes one whose booking was interrupted. */
  bookDelta(delta: StockDelta): Promise<Refusal | null>
  /** The stock of up to `productsMax` products: those after the `next` of the page before, the first for null. */
  stockPage(after: string | null, productsMax: number): Promise<StockPage>
  close(): Promise<void>
}
