// The ledger's fifth station: what the ERP itself shows of the orders of the last days, asked for in pages, at a
// pace that leaves it most of its time. Not what the sink remembers: a sale that somebody cancelled or deleted there is to show.
import { setTimeout as pause } from 'node:timers/promises'
import { ledgerHorizonMs } from '../core/ledger/tally'
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Warehouse } from '../runtime/clickhouse'
import { tellLedger } from '../runtime/ledger'
import type { ErpPort } from './erp-port'

export interface SalesReading {
  readonly warehouse: Pick<Warehouse, 'insert' | 'query' | 'database'>
  readonly erp: Pick<ErpPort, 'saleStates'>
  /** By which rule an order becomes a sale. */
  readonly rule: { readonly kinds: readonly string[]; readonly on: 'paid' | 'created' }
  /** Next offset of attributed-orders by partition: all before it was delivered, or refused. */
  readonly positions: () => Promise<ReadonlyMap<number, number>>
  readonly goOn: () => boolean
}

const pageOrders = 100
/** Of each page's time, how often that is left to deliveries. */
const restAfterPage = 4

/** One whole reading. @throws DependencyError: then the one before holds */
export async function readSales(reading: SalesReading): Promise<void> {
  const { warehouse, erp, rule, goOn } = reading
  // First of all: what was delivered before it must be found after it.
  const positions = await reading.positions()
  const [clock] = await warehouse.query<{ round: string }>(
    "SELECT toString(now64(3, 'UTC')) AS round",
  )
  if (clock === undefined) return
  const { round } = clock
  const keys = await orderKeys(warehouse)
  for (let start = 0; start < keys.length; start += pageOrders) {
    if (!goOn()) return
    const page = keys.slice(start, start + pageOrders)
    const startedAt = performance.now()
    const states = await erp.saleStates(page)
    const tookMs = performance.now() - startedAt
    const rows = page.map((order_key) => {
      const { state, erp_state } = states.get(order_key) ?? { state: '', erp_state: '' }
      return { round, order_key, state, erp_state }
    })
    await tellLedger(warehouse, { ledger_sales: rows }, `sales:${round}:${start}`)
    await pause(restAfterPage * tookMs)
  }
  const detail = JSON.stringify({ ...rule, positions: Object.fromEntries(positions) })
  await tellLedger(warehouse, {
    ledger_marks: [{ station: 'erp', part: '', looked_at: round, detail }],
  })
}

async function orderKeys({
  query,
  database,
}: Pick<Warehouse, 'query' | 'database'>): Promise<string[]> {
  const found = await query<{ order_key: string }>(
    `SELECT DISTINCT order_key FROM ${quoteIdentifier(database)}.ledger_orders
     WHERE accepted_at >= now() - toIntervalMillisecond(${ledgerHorizonMs}) ORDER BY order_key`,
  )
  return found.map(({ order_key }) => order_key)
}
