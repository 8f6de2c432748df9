// What is left to do so that the ERP holds a document. It compares with what the ERP itself shows, not with
// what was sent: so it gives the same answer after a crash, a time-out or a second delivery.
import { amountOf, serviceLine, type DocumentLine, type SaleDocument } from './sale-document'
import { noteOf } from './source-fields'

/** A sale or a correction of one, as the ERP shows it. */
export interface ErpDocument {
  readonly id: string
  readonly reference: string
  /** Held: confirmed, but nothing has followed from it yet, so that it can still be taken back. */
  readonly state: 'drafted' | 'held' | 'confirmed' | 'cancelled'
  /** The ERP's own word for its state. */
  readonly erp_state: string
  readonly total_minor: number
  /** Pieces by SKU, negative where they come back. */
  readonly quantities: Readonly<Record<string, number>>
}

export interface ErpSale extends ErpDocument {
  /** Some of the goods have left the warehouse. */
  readonly shipped: boolean
  /** Goods of it, or coming back for it, are still planned to move. */
  readonly moving: boolean
  readonly channel: string
  readonly campaign: string
  readonly streamer: string
  readonly note: string
  /** Documents that name it as their origin, oldest first. */
  readonly corrections: readonly ErpDocument[]
}

export interface Correction {
  /** `<order key>#<n>`: one writer per order counts them. */
  readonly reference: string
  readonly lines: readonly DocumentLine[]
  /** False where nothing ever left the warehouse. */
  readonly moves_goods: boolean
}

export interface DeliveryPlan {
  readonly create: boolean
  /** What becomes of the sale and its drafts; null leaves them as they are. */
  readonly turn: 'confirm' | 'cancel' | null
  /** Call back the goods of a confirmed sale. */
  readonly withdraw: boolean
  /** Corrections that an interrupted delivery left as drafts: they go the way of the sale. */
  readonly drafts: readonly string[]
  readonly correct: Correction | null
  readonly amend: boolean
}

/** Name of the service SKU that carries refunded money for which no goods come back. */
export interface PlanSettings {
  readonly refundSku: string
}

/** What to do for `document`, given the ERP's `sale` for it, or null when it has none. */
export function planDelivery(
  document: SaleDocument,
  sale: ErpSale | null,
  settings: PlanSettings,
): DeliveryPlan {
  if (sale === null) return planCreation(document, settings)
  const drafts = sale.corrections.filter(({ state }) => state === 'drafted').map(({ id }) => id)
  const amend = amends(document, sale)
  const nothing = { create: false, turn: null, withdraw: false, drafts, correct: null, amend }
  // Cancelled in the ERP, by us or by a person: it is never opened again.
  if (sale.state === 'cancelled') return { ...nothing, turn: drafts.length > 0 ? 'cancel' : null }
  if (document.cancelled && sale.state !== 'confirmed') return { ...nothing, turn: 'cancel' }
  const withdraw = document.cancelled && !sale.shipped
  return {
    ...nothing,
    turn: sale.state === 'drafted' || drafts.length > 0 ? 'confirm' : null,
    withdraw: withdraw && sale.moving,
    correct: correctionFor(document, sale, { ...settings, moves_goods: !withdraw }),
  }
}

/** True when the ERP holds the document: nothing is left to do. */
export function isFulfilled(plan: DeliveryPlan): boolean {
  return (
    !plan.create && plan.turn === null && !plan.withdraw && plan.correct === null && !plan.amend
  )
}

function planCreation(document: SaleDocument, settings: PlanSettings): DeliveryPlan {
  const asSold = {
    state: 'confirmed',
    total_minor: amountOf(document.lines),
    corrections: [],
  } as const
  return {
    create: true,
    turn: document.cancelled ? 'cancel' : 'confirm',
    withdraw: false,
    drafts: [],
    correct: document.cancelled
      ? null
      : correctionFor(document, asSold, { ...settings, moves_goods: true }),
    amend: false,
  }
}

function amends(document: SaleDocument, sale: ErpSale): boolean {
  const { source } = document
  if (source === null) return false
  return !(
    sameName(sale.channel, source.channel) &&
    sameName(sale.campaign, source.campaign) &&
    sameName(sale.streamer, source.streamer) &&
    sale.note === noteOf(source)
  )
}

/** The ERP keeps the names of sources in small letters. */
function sameName(shown: string, wanted: string): boolean {
  return shown.toLowerCase() === wanted.trim().toLowerCase()
}

/** The document that brings the ERP's money and returned goods to what they should be; null when they are. */
function correctionFor(
  document: SaleDocument,
  sale: Pick<ErpSale, 'total_minor' | 'corrections'>,
  settings: PlanSettings & { readonly moves_goods: boolean },
): Correction | null {
  const counted = sale.corrections.filter(({ state }) => state !== 'cancelled')
  const shownMinor = counted.reduce((sum, { total_minor }) => sum + total_minor, sale.total_minor)
  const differenceMinor = document.net_minor - shownMinor
  const wanted = settings.moves_goods ? document.returned : everyPiece(document)
  const goods = returnLines(document, { wanted, corrections: counted })
  if (differenceMinor === 0 && goods.length === 0) return null
  const restMinor = differenceMinor - amountOf(goods)
  return {
    reference: `${document.reference}#${sale.corrections.length + 1}`,
    lines: [
      ...goods,
      ...(restMinor === 0 ? [] : [serviceLine(settings.refundSku, 'Refund', restMinor)]),
    ],
    moves_goods: settings.moves_goods,
  }
}

/** Pieces to take back now: what should have come back, less what corrections already took. */
function returnLines(
  document: SaleDocument,
  pieces: {
    readonly wanted: Readonly<Record<string, number>>
    readonly corrections: readonly ErpDocument[]
  },
): DocumentLine[] {
  const left: Record<string, number> = {}
  for (const [sku, wanted] of Object.entries(pieces.wanted)) {
    const taken = pieces.corrections.reduce(
      (sum, { quantities }) => sum - (quantities[sku] ?? 0),
      0,
    )
    left[sku] = wanted - taken
  }
  return document.lines.flatMap((line) => {
    const quantity = Math.min(line.quantity, left[line.sku] ?? 0)
    if (quantity <= 0) return []
    left[line.sku] = (left[line.sku] ?? 0) - quantity
    return [{ ...line, quantity: -quantity }]
  })
}

/** Where nothing left the warehouse everything sold is given back, services too. */
function everyPiece(document: SaleDocument): Record<string, number> {
  const all: Record<string, number> = {}
  for (const { sku, quantity } of document.lines) {
    if (quantity > 0) all[sku] = (all[sku] ?? 0) + quantity
  }
  return all
}
