// Orders made inside ClickHouse, as many as wanted and always the same: ninety days of rooms, channels and campaigns, three
// touches to an order, every model's credits. They pass through the feeds that real ones pass, so roll-ups are real too.
import { defaultSettings } from '../../services/core/attribution/settings'
import type { Warehouse } from '../../services/runtime/clickhouse'

const ordersPerInsert = 250_000

/** @param say hears how far it has come */
export async function generateOrders(
  warehouse: Warehouse,
  orders: number,
  say: (line: string) => void,
): Promise<void> {
  for (let from = 0; from < orders; from += ordersPerInsert) {
    const count = Math.min(ordersPerInsert, orders - from)
    await warehouse.command(insertOf(warehouse.database, { from, count, of: orders }))
    if ((from / ordersPerInsert) % 8 === 7) say(`${from + count} orders`)
  }
}

interface Share {
  readonly from: number
  readonly count: number
  /** All there will be, spread over the ninety days. */
  readonly of: number
}

function insertOf(database: string, { from, count, of }: Share): string {
  const models = defaultSettings.models.map(({ name }) => `'${name}'`).join(', ')
  return `
    INSERT INTO ${database}.attributed_orders (
      order_key, version, cause, platform, shop, order_id, source, status, kind, currency, created_at, paid_at, updated_at,
      accepted_at, converted_at, paid_minor, refunded_minor, net_minor, freight_minor, settlement, settled_minor, identifiers,
      person, person_identifiers, lines, journey, credits, settings, kafka_topic, kafka_partition, kafka_offset, appended_at)
    WITH
      toDateTime64('2026-08-01 00:00:00', 3, 'UTC') AS first_day,
      first_day + toIntervalMillisecond(intDiv(number * 7776000000, ${of})) AS at,
      toString(number) AS n,
      cityHash64(number) AS chance,
      100 + chance % 90000 AS paid,
      arrayMap(touch -> cityHash64(number, touch), [1, 2, 3]) AS chances,
      arrayMap(c -> ['douyin.live', 'kuaishou.live', 'taobao.live', 'wechat.channels', 'wechat.group', 'offline.poster',
        'douyin.video', 'web.landing'][1 + c % 8], chances) AS channels,
      -- Twenty rooms are on air in every hour, each with its streamer.
      arrayMap((c, channel) -> if(endsWith(channel, '.live'),
        concat('room-', toString(toHour(at) + 24 * dayOfYear(at)), '-', toString(c % 20)), ''), chances, channels) AS rooms,
      arrayMap((c, room) -> if(room = '', '', concat('streamer-', toString(c % 20 + 20 * (dayOfYear(at) % 10)))),
        chances, rooms) AS streamers,
      arrayMap(c -> concat('campaign-', toString(intDiv(c, 64) % 20)), chances) AS campaigns
    SELECT
      concat('douyin:shop-', toString(chance % 5), ':', n), 1, 'snapshot', 'douyin', concat('shop-', toString(chance % 5)), n,
      'douyin', 'paid', 'sale', 'CNY', at, at, at, at, at, paid, 0, paid, 0, 'unsettled', 0,
      [concat('phone:', hex(cityHash64(intDiv(number, 3))))], concat('phone:', hex(cityHash64(intDiv(number, 3)))),
      [concat('phone:', hex(cityHash64(intDiv(number, 3))))],
      [('1', concat('SKU-', toString(chance % 500)), '', 1, paid, 0, 0, '', '', '', '', '', '')],
      arrayMap(touch -> ('web', concat('touch-', n, '-', toString(touch)), 'click', at - toIntervalHour(4 - touch),
        at - toIntervalHour(4 - touch), 1, channels[touch], 'douyin', rooms[touch], streamers[touch], '', '',
        campaigns[touch], '', '', true, 'eligible'), [1, 2, 3]),
      arrayFlatten(arrayMap(model -> arrayMap(touch -> (model, 'web', concat('touch-', n, '-', toString(touch)),
        channels[touch], 'douyin', rooms[touch], streamers[touch], '', campaigns[touch], '',
        if(touch = 3, 333333334, 333333333), intDiv(paid, 3) + if(touch = 3, paid % 3, 0)), [1, 2, 3]), [${models}])),
      'default', 'attributed-orders', number % 4, number, at
    FROM numbers(${from}, ${count})`
}
