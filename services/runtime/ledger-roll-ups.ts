// The roll-ups against the orders as they stand. A day that has drifted is brought back by adding what it lacks,
// which a SummingMergeTree sums up with what is there: nothing is deleted and no reader sees a gap.
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Warehouse } from './clickhouse'
import { db } from './ledger-queries'

const dimensions = 'model, platform, shop, channel, streamer, room, campaign, currency'

/** Days that have drifted, of all roll-ups. */
export function rollUpDays(): string {
  return `SELECT roll_up, toUnixTimestamp(toStartOfDay(bucket)) AS day, count() AS records,
      arraySort(groupArray(5)(concat(
        toString(bucket), ' ', model, ' ', channel, ' ', currency, ' ', toString(amount_minor)
      ))) AS ids,
      hex(sum(cityHash64(bucket, ${dimensions}, amount_minor, weight_ppb, credits))) AS residue
    FROM ${db}.roll_up_residues GROUP BY roll_up, day ORDER BY roll_up, day`
}

/** Each as it is written; credit_days after credit_hours, from which it is fed. */
const rollUps = [
  { table: 'credit_hours', columns: `hour, ${dimensions}`, values: `bucket, ${dimensions}` },
  { table: 'credit_minutes', columns: `minute, ${dimensions}`, values: `bucket, ${dimensions}` },
  {
    table: 'credit_days',
    columns: 'day, model, platform, shop, channel, streamer, currency',
    values: 'toDate(bucket), model, platform, shop, channel, streamer, currency',
  },
] as const

/** A version written meanwhile may be seen in one table and not yet in the other: then another round is due. */
const roundsMax = 5

/**
 * Brings the roll-ups of a day, `YYYY-MM-DD` in UTC, back to what the orders sum to.
 * @returns how many sums were wrong; null when they would not come right, as while much is being written
 * @throws DependencyError
 */
export async function rebuildDay(warehouse: Warehouse, day: string): Promise<number | null> {
  const database = quoteIdentifier(warehouse.database)
  const where = `toDate(bucket) = toDate('${day}')`
  const wrong = async (): Promise<number> => {
    const [row] = await warehouse.query<{ wrong: number }>(
      `SELECT count() AS wrong FROM ${database}.roll_up_residues WHERE ${where}`,
    )
    return row?.wrong ?? 0
  }
  const before = await wrong()
  for (let round = 0, left = before; left > 0; round += 1) {
    if (round === roundsMax) return null
    for (const { table, columns, values } of rollUps) {
      await warehouse.command(
        `INSERT INTO ${database}.${table}
           (${columns}, amount_minor, weight_ppb, credits)
         SELECT ${values}, -amount_minor, -weight_ppb, -credits
         FROM ${database}.roll_up_residues
         WHERE roll_up = '${table}' AND ${where}
         SETTINGS insert_deduplicate = 0`,
      )
    }
    left = await wrong()
  }
  return before
}
