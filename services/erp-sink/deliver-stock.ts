// Brings the ERP's reserved stock to what the positions say: one delta per warehouse, partition and flush. Its
// reference and the totals it leads to are on record before it is sent, so that after a crash it is either
// found by its reference or sent as planned.
import { deltaDelivery, type DeltaMemory } from '../core/erp/delivery-memory'
import { changeOf, totalsOf, type Totals } from '../core/erp/stock-delta'
import type { ErpDelivery } from '../core/records'
import type { ErpPort } from './erp-port'
import type { PartitionState } from './partition-state'

export interface StockTools {
  /** Tries again while the ERP is unwell; null when the partition was taken away meanwhile. */
  attempt<T>(call: (erp: ErpPort) => Promise<T>): Promise<T | null>
  record(delivery: ErpDelivery): Promise<void>
  /** A reference no delta ever had. */
  newReference(): string
  now(): number
}

export interface StockOutcome {
  readonly outcome: 'delivered' | 'refused'
  readonly words: string
  readonly seconds: number
}

export interface StockLook {
  /** Null when nothing had to be sent. */
  readonly delivered: StockOutcome | null
  /** SKUs left out because the ERP has no product for them. */
  readonly unknown: readonly string[]
}

const nothing: StockLook = { delivered: null, unknown: [] }

/** Sends what one warehouse's reserved stock has changed by, or finishes what a crash left planned. */
export async function deliverStock(
  tools: StockTools,
  state: PartitionState,
  warehouse: string,
): Promise<StockLook> {
  const known = state.memory.deltas.get(warehouse)
  if (known?.outcome === 'planned') {
    return { delivered: await book(tools, state, { warehouse, delta: known }), unknown: [] }
  }
  if (!state.knowsStock(warehouse)) return nothing
  const represented = known?.represented ?? {}
  const current = totalsOf(state.reservations, warehouse)
  const wanted = Object.keys(changeOf(represented, current))
  if (wanted.length === 0) return nothing
  const unknown = await tools.attempt((erp) => erp.unknownSkus(wanted))
  if (unknown === null) return nothing
  const totals = without(unknown, { current, represented })
  const left = { delivered: null, unknown: [...unknown] }
  if (Object.keys(changeOf(represented, totals)).length === 0) return left
  // Refused as it stands: wait for a change instead of asking every few seconds.
  if (known?.outcome === 'refused' && same(known.totals, totals)) return left
  const delta: DeltaMemory = {
    outcome: 'planned',
    reference: tools.newReference(),
    represented,
    totals,
    position: state.stockRead,
  }
  await record(tools, state, { warehouse, delta, words: '' })
  return { delivered: await book(tools, state, { warehouse, delta }), unknown: [...unknown] }
}

async function book(
  tools: StockTools,
  state: PartitionState,
  planned: { readonly warehouse: string; readonly delta: DeltaMemory },
): Promise<StockOutcome | null> {
  const { warehouse, delta } = planned
  const { reference, represented, totals } = delta
  const startMs = tools.now()
  const pieces = changeOf(represented, totals)
  const refused = await tools.attempt(async (erp) => ({
    answer: await erp.bookDelta({ reference, warehouse, pieces }),
  }))
  if (refused === null) return null
  const words = refused.answer?.refused ?? ''
  const outcome = words === '' ? 'delivered' : 'refused'
  const after = { ...delta, outcome, represented: words === '' ? totals : represented }
  await record(tools, state, { warehouse, delta: after, words })
  return { outcome, words, seconds: (tools.now() - startMs) / 1_000 }
}

/** On record first, then known: what is not on record did not happen. */
async function record(
  tools: StockTools,
  state: PartitionState,
  what: { readonly warehouse: string; readonly delta: DeltaMemory; readonly words: string },
): Promise<void> {
  const { warehouse, delta, words } = what
  const of = { partition: state.partition, warehouse }
  await tools.record(deltaDelivery(of, { ...delta, words, atMs: tools.now() }))
}

/** The totals as far as the ERP can hold them: what it has no product for stays as it is. */
function without(
  unknown: ReadonlySet<string>,
  { current, represented }: { readonly current: Totals; readonly represented: Totals },
): Totals {
  const skus = new Set([...Object.keys(current), ...Object.keys(represented)])
  const totals: Record<string, number> = {}
  for (const sku of [...skus].sort()) {
    const pieces = (unknown.has(sku) ? represented : current)[sku] ?? 0
    if (pieces !== 0) totals[sku] = pieces
  }
  return totals
}

function same(one: Totals, other: Totals): boolean {
  return Object.keys(changeOf(one, other)).length === 0
}
