// What the edges have answered with 2xx, and what of it is not yet to be seen behind them.
import type { TrytonRpc } from '../../services/erp-sink/tryton-rpc'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { rooms, type OrderAct } from '../evening/act'
import type { Delivery } from '../evening/clients'

interface Awaited {
  readonly acceptedAtMs: number
}

interface AwaitedOrder extends Awaited {
  readonly orderId: string
  readonly updatedAtMs: number
}

/** How many wait for longer than they should, and some of them. */
export interface Overdue {
  readonly count: number
  readonly examples: readonly string[]
}

export class Accepted {
  readonly #beganAt: number
  readonly #touchpoints = new Map<string, Awaited>()
  readonly #orders = new Map<string, AwaitedOrder>()
  readonly #sales = new Map<string, Awaited>()
  readonly #known = new Map<string, number>()
  readonly #sold = new Set<string>()

  constructor(beganAt: number) {
    this.#beganAt = beganAt
  }

  note({ acts }: Delivery, acceptedAtMs: number): void {
    for (const act of acts) {
      if (act.kind === 'order') this.#noteOrder(act, acceptedAtMs)
      else if (!this.#known.has(act.id)) {
        this.#known.set(act.id, act.atMs)
        this.#touchpoints.set(act.id, { acceptedAtMs })
      }
    }
  }

  /** Strikes out what ClickHouse shows by now. */
  async lookAtTables(warehouse: Warehouse): Promise<void> {
    const { database } = warehouse
    const ids = [...this.#touchpoints.keys()]
    if (ids.length > 0) {
      const found = await warehouse.query<{ id: string }>(
        `SELECT DISTINCT id FROM ${database}.touchpoints WHERE id IN {ids:Array(String)}`,
        { ids },
      )
      for (const { id } of found) this.#touchpoints.delete(id)
    }
    const orderIds = [...this.#orders.keys()]
    if (orderIds.length === 0) return
    const found = await warehouse.query<{ id: string; at: number }>(
      `SELECT order_id AS id, toFloat64(max(toUnixTimestamp64Milli(updated_at))) AS at
       FROM ${database}.attributed_orders WHERE order_id IN {ids:Array(String)} GROUP BY order_id`,
      { ids: orderIds },
    )
    for (const { id, at } of found) {
      if (at >= (this.#orders.get(id)?.updatedAtMs ?? Infinity)) this.#orders.delete(id)
    }
  }

  /** Strikes out what the ERP itself shows by now. */
  async lookAtErp(rpc: TrytonRpc): Promise<void> {
    const references = [...this.#sales.keys()]
    if (references.length === 0) return
    const domain = [['web_id', 'in', references]]
    const answer = await rpc.ask('model.sale.sale.search_read', [domain, 0, null, null, ['web_id']])
    for (const { web_id } of answer as { web_id: string }[]) this.#sales.delete(web_id)
  }

  /** What was accepted at or before this moment and is not in ClickHouse. */
  overdueInTables(acceptedAtMs: number): Overdue {
    return overdue([...this.#touchpoints, ...this.#orders], acceptedAtMs)
  }

  /** Orders that were paid, accepted at or before this moment, and are no sale in the ERP. */
  overdueInErp(acceptedAtMs: number): Overdue {
    return overdue([...this.#sales], acceptedAtMs)
  }

  #noteOrder(act: OrderAct, acceptedAtMs: number): void {
    const { orderId } = act
    const updatedAtMs = this.#beganAt + act.atMs
    if (updatedAtMs > (this.#known.get(orderId) ?? -1)) {
      this.#known.set(orderId, updatedAtMs)
      this.#orders.set(orderId, { orderId, updatedAtMs, acceptedAtMs })
    }
    const becomesSale = act.paidAtMs !== null && act.orderKind === 'sale'
    if (!becomesSale || this.#sold.has(orderId) || orderId.endsWith('unknown-sku')) return
    this.#sold.add(orderId)
    this.#sales.set(`${act.platform}:${rooms[act.platform].shop}:${orderId}`, { acceptedAtMs })
  }
}

function overdue(waiting: readonly (readonly [string, Awaited])[], acceptedAtMs: number): Overdue {
  const late = waiting.filter(([, one]) => one.acceptedAtMs <= acceptedAtMs)
  return { count: late.length, examples: late.slice(0, 3).map(([id]) => id) }
}
