// Stock that orders reserve without an ERP sale, as sums per SKU, and the signed change that brings the ERP
// from the sums it was told to today's.
import type { StockPosition } from '../records'

export type Totals = Readonly<Record<string, number>>

/** The positions of one partition. */
export interface Reservations {
  /** By position key `order key|SKU`; released ones are dropped. */
  readonly positions: Map<string, StockPosition>
  /** Sums by warehouse and SKU; zero sums are dropped. */
  readonly sums: Map<string, Map<string, number>>
}

export function createReservations(): Reservations {
  return { positions: new Map(), sums: new Map() }
}

/** Takes a position in; one older than what is known is ignored. Null is the compacted end of a position. */
export function takePosition(
  reservations: Reservations,
  key: string,
  position: StockPosition | null,
): void {
  const { positions, sums } = reservations
  const known = positions.get(key)
  if (known !== undefined && position !== null && position.version < known.version) return
  if (known !== undefined) addTo(sums, known, -known.quantity)
  if (position === null || position.quantity === 0) {
    positions.delete(key)
  } else {
    addTo(sums, position, position.quantity)
    positions.set(key, position)
  }
}

function addTo(
  sums: Map<string, Map<string, number>>,
  { warehouse, sku }: StockPosition,
  pieces: number,
): void {
  const known = sums.get(warehouse) ?? new Map<string, number>()
  const sum = (known.get(sku) ?? 0) + pieces
  if (sum === 0) known.delete(sku)
  else known.set(sku, sum)
  sums.set(warehouse, known)
}

/** Signed pieces to reserve (positive) or release (negative) by SKU; SKUs without a change are left out. */
export function changeOf(represented: Totals, current: Totals): Totals {
  const skus = new Set([...Object.keys(represented), ...Object.keys(current)])
  const change: Record<string, number> = {}
  for (const sku of [...skus].sort()) {
    const pieces = (current[sku] ?? 0) - (represented[sku] ?? 0)
    if (pieces !== 0) change[sku] = pieces
  }
  return change
}

/** The totals of a warehouse as they stand, in the order of their SKUs. */
export function totalsOf(reservations: Reservations, warehouse: string): Totals {
  const sums = reservations.sums.get(warehouse)
  return Object.fromEntries([...(sums ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
}
