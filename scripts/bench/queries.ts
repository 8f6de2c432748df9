// How long people wait for an answer, with a million and with ten million orders in the tables: what sums reads the roll-ups,
// one order and one person are found by key.
import { setTimeout as pause } from 'node:timers/promises'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { database, onSite } from './site'
import type { Bench, BenchOrder } from './bench'
import { generateOrders } from './generate-orders'
import { quantileOf } from './sheet'

interface Query {
  readonly name: string
  readonly sql: string
  readonly aimMs: number
}

const summingMs = 300
const singleMs = 100

/** What the documentation shows, and what a dashboard asks. */
const queries: readonly Query[] = [
  {
    name: 'revenue per channel, one model, 90 days',
    sql: `SELECT channel, sum(amount_minor) AS amount_minor FROM credit_days
      WHERE model = 'time_decay' AND currency = 'CNY' GROUP BY channel ORDER BY amount_minor DESC`,
    aimMs: summingMs,
  },
  {
    name: 'models side by side, 90 days',
    sql: `SELECT model, channel, sum(amount_minor) AS amount_minor, sum(weight_ppb) / 1e9 AS orders FROM credit_days
      GROUP BY model, channel ORDER BY model, channel`,
    aimMs: summingMs,
  },
  {
    name: 'streamers of 30 days, one model',
    sql: `SELECT streamer, sum(amount_minor) AS amount_minor FROM credit_days
      WHERE model = 'last' AND day >= '2026-09-01' AND day < '2026-10-01' AND streamer != ''
      GROUP BY streamer ORDER BY amount_minor DESC LIMIT 20`,
    aimMs: summingMs,
  },
  {
    name: 'one room by hour',
    sql: `SELECT hour, sum(amount_minor) AS amount_minor FROM credit_hours
      WHERE model = 'last' AND hour >= '2026-09-01' AND hour < '2026-09-02' AND startsWith(room, 'room-')
      GROUP BY hour ORDER BY hour`,
    aimMs: summingMs,
  },
  {
    name: 'campaigns of a week',
    sql: `SELECT campaign, sum(amount_minor) AS amount_minor FROM credit_hours
      WHERE model = 'linear' AND hour >= '2026-09-01' AND hour < '2026-09-08' GROUP BY campaign ORDER BY amount_minor DESC`,
    aimMs: summingMs,
  },
  {
    name: 'one order',
    sql: `SELECT * FROM orders_current WHERE order_key = 'douyin:shop-SHOP:500000'`,
    aimMs: singleMs,
  },
  {
    name: 'credits of one order',
    sql: `SELECT model, channel, amount_minor FROM credits WHERE order_key = 'douyin:shop-SHOP:500000'`,
    aimMs: singleMs,
  },
  {
    name: 'journey of one order',
    sql: `SELECT position, type, channel, counted, reason FROM journeys
      WHERE order_key = 'douyin:shop-SHOP:500000' ORDER BY position`,
    aimMs: singleMs,
  },
  {
    name: 'versions of one order',
    sql: `SELECT version, cause, net_minor FROM attributed_orders WHERE order_key = 'douyin:shop-SHOP:500000' ORDER BY version`,
    aimMs: singleMs,
  },
  {
    name: 'orders of one person',
    sql: `SELECT order_key, net_minor FROM orders_current WHERE person = concat('phone:', hex(cityHash64(166666)))`,
    aimMs: singleMs,
  },
]

export const queriesBench: Bench = {
  name: 'queries',
  says: 'documented queries over 1,000,000 and 10,000,000 orders, made inside ClickHouse',
  run: measure,
}

/** Ten million orders within minutes leave merges behind that take both cores; those of an evening do not. */
async function mergesAtRest(warehouse: Warehouse): Promise<void> {
  let restingSeconds = 0
  while (restingSeconds < 10) {
    await pause(1_000)
    const [merges] = await warehouse.query<{ running: number }>(
      `SELECT toUInt32(count()) AS running FROM system.merges`,
    )
    restingSeconds = merges?.running === 0 ? restingSeconds + 1 : 0
  }
}

async function measure({ sheet, rounds, quick, say }: BenchOrder): Promise<void> {
  const sizes = quick ? [550_000] : [1_000_000, 10_000_000]
  const repeats = quick ? 3 : 20
  sheet.set({ repeats_per_round: repeats })
  await onSite(['clickhouse'], async (site) => {
    for (const orders of sizes) {
      const name = `${database}_${orders}`
      const warehouse = await site.migrate(name)
      const began = performance.now()
      await generateOrders(warehouse, orders, say)
      say(`${orders} orders made in ${Math.round((performance.now() - began) / 1_000)} s`)
      await mergesAtRest(warehouse)
      const [key] = await warehouse.query<{ shop: string }>(
        `SELECT toString(cityHash64(500000) % 5) AS shop`,
      )
      const [rows] = await warehouse.query<{ hours: number }>(
        `SELECT count() AS hours FROM ${name}.credit_hours`,
      )
      sheet.set({ [`credit_hours_of_${orders}_orders`]: rows?.hours ?? 0 })
      for (let round = 0; round < rounds; round += 1) {
        for (const { name: title, sql, aimMs } of queries) {
          const tookMs: number[] = []
          const text = sql
            .replaceAll('shop-SHOP', `shop-${key?.shop ?? ''}`)
            .replaceAll(/FROM (\w+)/g, `FROM ${name}.$1`)
          for (let repeat = 0; repeat < repeats; repeat += 1) {
            const asked = performance.now()
            const answer = await warehouse.query(text)
            tookMs.push(performance.now() - asked)
            if (answer.length === 0) throw new Error(`${title} found nothing`)
          }
          const of = `${title}, ${orders / 1e6} M orders`
          sheet.write({ name: `${of} p50`, unit: 'ms', value: quantileOf(tookMs, 0.5) })
          const aim = `< ${aimMs} ms`
          sheet.write({ name: `${of} p99`, unit: 'ms', value: quantileOf(tookMs, 0.99), aim })
        }
      }
      await warehouse.command(`DROP DATABASE ${name}`)
    }
  })
}
