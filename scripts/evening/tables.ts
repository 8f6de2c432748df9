// Reads back what the evening became, from ClickHouse and from the ERP's own records.
import { defaultSettings } from '../../services/core/attribution/settings'
import { trainedKinds } from '../../services/core/models/train-models'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { TrytonRpc, type TrytonSettings } from '../../services/erp-sink/tryton-rpc'

/** How many models credit an order before any has been trained. */
export const plainModels = defaultSettings.models.length - trainedKinds.length

export interface Found {
  readonly touchpoints: number
  readonly orders: number
  readonly ordersCredited: number
  readonly creditsUnbalanced: number
  readonly netMinor: number
  /** Channels of which the data-driven models in force say something, and how many of them are below nothing. */
  readonly effects: { readonly channels: number; readonly negative: number }
  /** Order id to the touchpoint that the last-touch model credits. */
  readonly lastTouch: ReadonlyMap<string, string>
  readonly identities: readonly {
    readonly identifier: string
    readonly person: string
    readonly state: string
  }[]
  readonly deadLetters: readonly { readonly reason: string; readonly detail: string }[]
  readonly freshness: { readonly p50: number; readonly p99: number }
  readonly orderFreshness: { readonly p50: number; readonly p99: number }
}

/** Everything of one run. Ids of a run begin with its name. */
export async function readTables(
  warehouse: Warehouse,
  run: string,
  models: number,
): Promise<Found> {
  const of = { run: `${run}-%` }
  const ask = <Row>(sql: string): Promise<Row[]> =>
    warehouse.query<Row>(sql.replaceAll('$', `${warehouse.database}.`), of)
  const number = async (sql: string): Promise<number> => (await ask<{ n: number }>(sql))[0]?.n ?? 0
  const freshness = async (sql: string): Promise<{ p50: number; p99: number }> => {
    const [row] = await ask<{ p50: number; p99: number }>(
      `SELECT round(quantile(0.5)(ms)) AS p50, round(quantile(0.99)(ms)) AS p99 FROM (${sql})`,
    )
    return { p50: row?.p50 ?? -1, p99: row?.p99 ?? -1 }
  }
  const credited = `SELECT order_key, countDistinct(model) AS models FROM $credits WHERE order_id LIKE {run:String} GROUP BY order_key`
  return {
    touchpoints: await number(
      `SELECT count() AS n FROM $touchpoints_current WHERE id LIKE {run:String}`,
    ),
    orders: await number(
      `SELECT count() AS n FROM $orders_current WHERE order_id LIKE {run:String}`,
    ),
    ordersCredited: await number(
      `SELECT count() AS n FROM (${credited}) WHERE models >= ${models}`,
    ),
    creditsUnbalanced: await number(
      `SELECT count() AS n FROM (SELECT order_key, model, sum(amount_minor) AS credited, any(net_minor) AS net
       FROM $credits WHERE order_id LIKE {run:String} GROUP BY order_key, model) WHERE credited != net`,
    ),
    netMinor: await number(
      `SELECT sum(net_minor) AS n FROM $orders_current WHERE order_id LIKE {run:String} AND paid_at IS NOT NULL`,
    ),
    effects: {
      channels: await number(`SELECT count() AS n FROM $removal_effects_current`),
      negative: await number(
        `SELECT count() AS n FROM $removal_effects WHERE effect < 0 OR weight < 0`,
      ),
    },
    lastTouch: new Map(
      (
        await ask<{ order_id: string; touchpoint_id: string }>(
          `SELECT order_id, touchpoint_id FROM $credits WHERE model = 'last' AND order_id LIKE {run:String}`,
        )
      ).map(({ order_id, touchpoint_id }) => [order_id, touchpoint_id]),
    ),
    identities: await ask(`SELECT identifier, person, state FROM $identities_current`),
    deadLetters: await ask(
      // An order refused under several versions is one matter.
      `SELECT DISTINCT record_key, reason, detail FROM $dead_letters FINAL WHERE tryBase64Decode(record_key) LIKE concat('%', {run:String})`,
    ),
    freshness: await freshness(
      `SELECT dateDiff('millisecond', accepted_at, written_at) AS ms FROM $touchpoints_current WHERE id LIKE {run:String}`,
    ),
    orderFreshness: await freshness(
      `SELECT freshness_ms AS ms FROM $order_freshness WHERE splitByChar(':', order_key)[3] LIKE {run:String}`,
    ),
  }
}

export interface ErpFound {
  /** Sales of platform orders, cancelled ones included. */
  readonly sales: number
  /** What all sales and corrections that were not cancelled come to, in minor units. */
  readonly netMinor: number
  readonly samples: readonly {
    readonly web_id: string
    readonly number: string
    readonly state: string
    readonly total: string
    readonly channel: string
    readonly comment: string
  }[]
}

export async function readErp(settings: TrytonSettings, run: string): Promise<ErpFound> {
  const rpc = new TrytonRpc(settings, { now: Date.now, called: () => undefined })
  const fields = ['web_id', 'number', 'state', 'total_amount', 'marketing_source.name', 'comment']
  const ours = [['web_id', 'like', `%:${run}-%`]]
  const answer = await rpc.ask('model.sale.sale.search_read', [ours, 0, null, null, fields])
  await rpc.logout()
  const records = answer as readonly SaleRecord[]
  const sales = records.filter(({ web_id }) => !web_id.includes('#'))
  return {
    sales: sales.length,
    netMinor: records
      .filter(({ state }) => state !== 'cancelled')
      .reduce((sum, { total_amount }) => sum + minorOf(total_amount.decimal), 0),
    samples: sales.slice(0, 5).map((sale) => ({
      ...{ web_id: sale.web_id, number: sale.number ?? '-', state: sale.state },
      ...{ total: sale.total_amount.decimal, comment: sale.comment ?? '' },
      channel: sale['marketing_source.']?.name ?? '',
    })),
  }
}

interface SaleRecord {
  readonly web_id: string
  readonly number: string | null
  readonly state: string
  readonly total_amount: { readonly decimal: string }
  readonly 'marketing_source.': { readonly name: string } | null
  readonly comment: string | null
}

function minorOf(decimal: string): number {
  return Math.round(Number(decimal) * 100)
}
