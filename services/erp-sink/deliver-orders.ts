// Delivers documents in batches. Each pass asks the ERP what it holds, does what is left and asks again, so a
// pass that was cut off is simply followed by another. A refused batch is halved until the refused document
// stands alone.
import { isDeepStrictEqual } from 'node:util'
import {
  isFulfilled,
  planDelivery,
  type DeliveryPlan,
  type ErpSale,
  type PlanSettings,
} from '../core/erp/delivery-plan'
import type { SaleDocument } from '../core/erp/sale-document'
import { isRefusal, type ErpPort, type NewCorrection, type NewSale, type Refusal } from './erp-port'

export interface OrderOutcome {
  readonly document: SaleDocument
  /** As the ERP shows it now; null when it has none. */
  readonly sale: ErpSale | null
  /** The ERP's own words when it refused; empty when it holds the document. */
  readonly words: string
}

interface Planned extends NewSale {
  readonly sale: ErpSale | null
  readonly plan: DeliveryPlan
}

/** One to do the work, one for what was left of it, one to see it done. */
const passesMax = 3
/** Calls refused because something exists that a look does not show. Not only sales: their buyers have codes too. */
const unseenMax = 3

/**
 * The outcome of each document; each has a reference of its own.
 * @throws DependencyError when the ERP is unwell: nothing is lost by doing all of it again
 */
export async function deliverOrders(
  erp: ErpPort,
  orders: readonly NewSale[],
  settings: PlanSettings,
): Promise<OrderOutcome[]> {
  let planned = await planAll(erp, orders, settings)
  let unseen = 0
  for (let passes = 1; passes < passesMax;) {
    const open = planned.filter(({ plan }) => !isFulfilled(plan))
    if (open.length === 0) break
    const refused = await carryOut(erp, open)
    if (refused !== null && !(refused.duplicate && unseen < unseenMax)) {
      return standAlone(erp, { orders, planned, open, refused }, settings)
    }
    const before = planned
    planned = await planAll(erp, orders, settings)
    if (refused === null) passes += 1
    // Another writer was first. As long as there is something new to see each time, that is a race and nobody's fault.
    else unseen = isDeepStrictEqual(plansOf(before), plansOf(planned)) ? unseen + 1 : 0
  }
  return planned.map((one) =>
    outcomeOf(one, isFulfilled(one.plan) ? '' : `does not come to hold it: ${planText(one.plan)}`),
  )
}

/** The ERP's words for the one order they are about, or each half of the orders for itself. */
async function standAlone(
  erp: ErpPort,
  {
    orders,
    planned,
    open,
    refused,
  }: {
    readonly orders: readonly NewSale[]
    readonly planned: readonly Planned[]
    readonly open: readonly Planned[]
    readonly refused: Refusal
  },
  settings: PlanSettings,
): Promise<OrderOutcome[]> {
  const [single] = open
  if (open.length === 1 && single !== undefined) {
    return planned.map((one) => outcomeOf(one, one === single ? refused.refused : ''))
  }
  const middle = Math.ceil(orders.length / 2)
  return [
    ...(await deliverOrders(erp, orders.slice(0, middle), settings)),
    ...(await deliverOrders(erp, orders.slice(middle), settings)),
  ]
}

function plansOf(planned: readonly Planned[]): readonly DeliveryPlan[] {
  return planned.map(({ plan }) => plan)
}

async function planAll(
  erp: ErpPort,
  orders: readonly NewSale[],
  settings: PlanSettings,
): Promise<Planned[]> {
  const sales = await erp.findSales(orders.map(({ document }) => document.reference))
  return orders.map((order) => {
    const sale = sales.get(order.document.reference) ?? null
    return { ...order, sale, plan: planDelivery(order.document, sale, settings) }
  })
}

/** The steps of all plans, each as one call; stops at the first refusal. */
async function carryOut(erp: ErpPort, planned: readonly Planned[]): Promise<Refusal | null> {
  const created = planned.filter(({ plan }) => plan.create)
  const drafted = created.length === 0 ? [] : await erp.draftSales(created)
  if (isRefusal(drafted)) return drafted
  const newIds = new Map(created.map(({ document }, index) => [document.reference, drafted[index]]))
  const saleIdOf = ({ document, sale }: Planned): string =>
    sale?.id ?? newIds.get(document.reference) ?? ''

  const corrections = await draftAll(erp, planned, saleIdOf)
  if (isRefusal(corrections)) return corrections
  const turning = (turn: 'confirm' | 'cancel'): string[] =>
    planned
      .filter(({ plan }) => plan.turn === turn)
      .flatMap((one) => [
        ...(one.sale === null || one.sale.state !== 'confirmed' ? [saleIdOf(one)] : []),
        ...one.plan.drafts,
      ])
  for (const { plan, sale } of planned) {
    const refused = plan.withdraw && sale !== null ? await erp.withdraw(sale.id) : null
    if (refused !== null) return refused
  }
  const binding = [...turning('confirm'), ...corrections]
  const confirmed = binding.length === 0 ? null : await erp.confirm(binding)
  if (confirmed !== null) return confirmed
  const off = turning('cancel')
  const cancelled = off.length === 0 ? null : await erp.cancel(off)
  if (cancelled !== null) return cancelled
  for (const { plan, sale, document } of planned) {
    if (!plan.amend || sale === null || document.source === null) continue
    const refused = await erp.amend(sale, document.source)
    if (refused !== null) return refused
  }
  return null
}

async function draftAll(
  erp: ErpPort,
  planned: readonly Planned[],
  saleIdOf: (planned: Planned) => string,
): Promise<readonly string[] | Refusal> {
  const corrections = planned.flatMap((one): NewCorrection[] =>
    one.plan.correct === null
      ? []
      : [{ saleId: saleIdOf(one), document: one.document, correction: one.plan.correct }],
  )
  return corrections.length === 0 ? [] : erp.draftCorrections(corrections)
}

function outcomeOf({ document, sale }: Planned, words: string): OrderOutcome {
  return { document, sale, words }
}

function planText(plan: DeliveryPlan): string {
  return JSON.stringify(plan).slice(0, 500)
}
