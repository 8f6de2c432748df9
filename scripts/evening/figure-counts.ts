// Reads back what the tables hold of the figures of an evening.
import type { Warehouse } from '../../services/runtime/clickhouse'
import { costsFrom, type FigureCounts } from './figure-sheets'

export async function readFigures(
  { query, database }: Pick<Warehouse, 'query' | 'database'>,
  run: string,
): Promise<FigureCounts> {
  const number = async (what: string, from: string): Promise<number> => {
    const sql = `SELECT toInt64(${what}) AS n FROM ${database}.${from}`
    const [row] = await query<{ n: number | string }>(sql, { run, spend: `${run}-%` })
    return Number(row?.n ?? 0)
  }
  const spend = 'ad_spend_current WHERE id LIKE {spend:String}'
  const costs = `product_costs_current WHERE valid_from = parseDateTime64BestEffort('${costsFrom}')`
  return {
    sessions_over: await number(
      'count()',
      'live_sessions_current WHERE session = {run:String} AND ended_at IS NOT NULL',
    ),
    spend_rows: await number('count()', spend),
    spend_minor: await number('sum(amount_minor)', spend),
    spend_withdrawn: await number(
      'count()',
      'ad_spend FINAL WHERE id LIKE {spend:String} AND withdrawn',
    ),
    costs: await number('count()', costs),
    cost_minor: await number('sum(cost_minor)', costs),
    mappings: await number(
      'count()',
      "sku_mappings_current WHERE match(platform_sku, '-71[0-9]{3}$')",
    ),
    stock_levels: await number(
      'count()',
      "stock_levels_current WHERE NOT withdrawn AND quantity > 0 AND match(sku, '^SKU-00[0-5][0-9]$')",
    ),
  }
}

/** What differs, for people. */
export function figureFailures(expected: FigureCounts, found: FigureCounts): string[] {
  return (Object.keys(expected) as (keyof FigureCounts)[])
    .filter((name) => expected[name] !== found[name])
    .map((name) => `the figures to divide by: ${name} is ${found[name]}, not ${expected[name]}`)
}
