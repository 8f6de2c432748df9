// What the evening is divided by: its sessions, what was spent on it, what the goods cost and what the platforms call
// them. As files, since that is how an office has them, and through the command that imports files.
import type { FigureKind } from '../../services/core/figures/figure'
import { rooms } from './act'

/** One file. */
export interface Sheet {
  readonly kind: FigureKind
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

export interface FiguresOf {
  readonly run: string
  readonly beganAt: number
  readonly lengthMs: number
}

const skusMax = 50
const platforms = ['douyin', 'wechat'] as const
/** Every half hour of the evening. */
const spendRows = 6
export const costsFrom = '2026-01-01T00:00:00+08:00'
const skus = Array.from({ length: skusMax }, (_, at) => `SKU-${String(at + 1).padStart(4, '0')}`)

/** What is known before the doors open; one amount is wrong, and one was booked twice. */
export function sheetsBefore(of: FiguresOf): Sheet[] {
  return [
    sessionSheet(of, ''),
    spendSheet(of),
    {
      kind: 'product-costs',
      columns: ['sku', 'currency', 'valid_from', 'cost_minor'],
      rows: skus.map((sku, at) => [sku, 'CNY', costsFrom, costOf(at)]),
    },
    {
      kind: 'sku-mappings',
      columns: ['platform', 'shop', 'platform_sku', 'sku', 'pieces'],
      rows: platforms.flatMap((platform) =>
        skus.map((sku, at) => [
          platform,
          rooms[platform].shop,
          `${platform}-${71_000 + at}`,
          sku,
          1,
        ]),
      ),
    },
  ]
}

/** What is known once it is over: when the rooms closed, and what had been stated wrongly. */
export function sheetsAfter(of: FiguresOf): Sheet[] {
  const { columns, rows } = spendSheet(of)
  const [wrong = [], double = []] = rows
  const corrected = [...wrong.slice(0, -1), wrongMinor / 10]
  return [
    sessionSheet(of, of.beganAt + of.lengthMs),
    {
      kind: 'ad-spend',
      columns: [...columns, 'withdrawn'],
      rows: [
        [...corrected, ''],
        [...double, 'true'],
      ],
    },
  ]
}

function sessionSheet({ run, beganAt }: FiguresOf, endedAt: number | ''): Sheet {
  return {
    kind: 'live-sessions',
    columns: [
      ...['platform', 'room', 'session', 'shop', 'streamer', 'title', 'started_at', 'ended_at'],
      ...['currency', 'slot_fee_minor', 'commission_basis_points'],
    ],
    rows: platforms.map((platform, at) => {
      const { room, shop, streamer } = rooms[platform]
      const title = `双十一晚场, ${streamer}`
      const terms = [at === 0 ? 500_000 : 200_000, at === 0 ? 2_000 : 1_500]
      return [platform, room, run, shop, streamer, title, beganAt, endedAt, 'CNY', ...terms]
    }),
  }
}

/** Ten times what it was. */
const wrongMinor = 900_000

function spendSheet({ run, beganAt, lengthMs }: FiguresOf): Sheet {
  const spanMs = Math.floor(lengthMs / spendRows)
  const row = (id: string, spend: readonly (string | number)[]): (string | number)[] => [
    `${run}-${id}`,
    ...spend,
  ]
  const inRooms = platforms.flatMap((platform) =>
    Array.from({ length: spendRows }, (_, at) => {
      const { room, channel, streamer } = rooms[platform]
      const from = beganAt + at * spanMs
      const amount = 10_000 + at * 2_500
      const what = [platform, channel, '', room, streamer]
      return row(`${platform}-${at}`, [from, from + spanMs, ...what, 'CNY', amount])
    }),
  )
  const all = [beganAt, beganAt + lengthMs]
  return {
    kind: 'ad-spend',
    columns: [
      ...['id', 'from_at', 'to_at', 'platform', 'channel', 'campaign', 'room', 'streamer'],
      ...['currency', 'amount_minor'],
    ],
    rows: [
      row('moments', [...all, 'wechat', 'wechat.moments', 'double11', '', '', 'CNY', wrongMinor]),
      row('twice', [...all, '', 'web.search', '', '', '', 'CNY', 60_000]),
      row('search', [...all, '', 'web.search', '', '', '', 'CNY', 60_000]),
      ...inRooms,
    ],
  }
}

/** Between a third and two thirds of what most pieces sell for. */
function costOf(at: number): number {
  return 1_500 + ((at * 619) % 2_000)
}

/** What the tables must hold of an evening, and what they do. */
export interface FigureCounts {
  readonly sessions_over: number
  readonly spend_rows: number
  readonly spend_minor: number
  readonly spend_withdrawn: number
  readonly costs: number
  readonly cost_minor: number
  readonly mappings: number
  /** SKUs of the shop of which the ERP's stock is known, in two warehouses. */
  readonly stock_levels: number
}

export function expectedFigures(of: FiguresOf): FigureCounts {
  const spend = spendSheet(of).rows.map((row) => Number(row.at(-1)))
  const [wrong = 0, double = 0] = spend
  return {
    sessions_over: platforms.length,
    spend_rows: spend.length - 1,
    spend_minor: spend.reduce((sum, one) => sum + one, 0) - wrong - double + wrong / 10,
    spend_withdrawn: 1,
    costs: skusMax,
    cost_minor: skus.reduce((sum, _sku, at) => sum + costOf(at), 0),
    mappings: platforms.length * skusMax,
    stock_levels: 2 * skusMax,
  }
}
