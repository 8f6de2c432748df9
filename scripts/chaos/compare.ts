// What a run has come to, against the undisturbed one: every table, the ERP's books, the balance of the credits, the ledger.
import { setTimeout as pause } from 'node:timers/promises'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { lookAtLedger } from '../../services/runtime/ledger-look'
import type { Stage } from './conduct'
import type { Crew } from './crew'
import { differingRows, readDigests, type DigestPair } from './differences'
import { compareBooks, readErpBooks, type ErpBooks } from './erp-books'
import { ledgerFaults } from './ledger-faults'

const restTimeoutMs = 240_000

/** Until nothing is on its way any more: no lag, nothing owed to the ERP, nothing in a spool. @returns what is not so in the end */
export async function untilAtRest(crew: Crew, goal: () => Promise<boolean>): Promise<string[]> {
  const deadline = Date.now() + restTimeoutMs
  for (;;) {
    const open = await crew.openWork()
    if (open.length === 0 && (await goal())) return []
    if (Date.now() > deadline) return open
    await pause(500)
  }
}

export interface Outcome {
  readonly digests: readonly DigestPair[]
  /** Everything in which the disturbed run differs from the undisturbed one. */
  readonly differences: readonly string[]
  /** Seconds from the last request's answer until both were equal. */
  readonly restSeconds: number
}

/** Waits until the run equals the undisturbed one, and says in what it does not. */
export async function compare(
  stage: Stage,
  undisturbed: { readonly database: string; readonly books: ErpBooks },
): Promise<Outcome> {
  const beganMs = Date.now()
  const { warehouse, erp } = stage.ground
  const databases = { undisturbed: undisturbed.database, disturbed: warehouse.database }
  const open = await untilAtRest(stage.crew, async () => {
    const pairs = await readDigests(warehouse, databases)
    if (pairs.length === 0 || pairs.some((pair) => pair.undisturbed !== pair.disturbed)) {
      return false
    }
    return compareBooks(undisturbed.books, await readErpBooks(erp)).length === 0
  })
  const digests = await readDigests(warehouse, databases)
  const differences = [
    ...open,
    ...(await differingRows(warehouse, databases)),
    ...compareBooks(undisturbed.books, await readErpBooks(erp)),
    ...(await unbalanced(warehouse)),
    ...(await unexplained(warehouse)),
  ]
  return { digests, differences, restSeconds: (Date.now() - beganMs) / 1_000 }
}

/** Orders whose credits do not sum to their money. */
async function unbalanced(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query<{ order_key: string; model: string; n: number }>(
    `SELECT order_key, model, count() OVER () AS n FROM ${warehouse.database}.credits
     GROUP BY order_key, model HAVING sum(amount_minor) != any(net_minor) LIMIT 3`,
  )
  return rows.map(
    ({ order_key, model, n }) =>
      `(1 of ${n}) credits of ${order_key} under ${model} do not sum to it`,
  )
}

const ledgerTimeoutMs = 90_000
const ledgerBackMs = 48 * 3_600_000

/** What the ledger cannot explain once every station has looked since the run came to rest. */
async function unexplained(warehouse: Warehouse): Promise<string[]> {
  const deadline = Date.now() + ledgerTimeoutMs
  for (let since: number | null = null; ;) {
    const look = await lookAtLedger(warehouse, ledgerBackMs)
    since ??= look.at
    const found = ledgerFaults(look, since)
    if (found.length === 0 || Date.now() > deadline) return found
    await pause(1_000)
  }
}
