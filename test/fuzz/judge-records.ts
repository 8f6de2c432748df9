// What an edge may keep, said once more and independently of the code that decides it.
import type { Order, Touchpoint } from '../../services/core/records'
import { figureKey, type Figure, type FigureKind } from '../../services/core/figures/figure'
import { isReject } from '../../services/core/reject'
import { attributedOrderRow } from '../../services/core/warehouse/attributed-order-row'
import { feeds } from '../../services/core/warehouse/feeds'
import type { Row } from '../../services/core/warehouse/row'
import { stockPositionRow, touchpointRow } from '../../services/core/warehouse/rows'
import { anAttributedOrder } from '../support/attributed-order'

const hash = '[A-Za-z0-9_-]{22}'
const identifier = new RegExp(
  `^(?:(?:code|phone|unionid|device|visitor):${hash}|(?:openid|user):[a-z0-9_-]{1,64}:${hash})$`,
)
const ranks = ['code', 'phone', 'unionid', 'openid', 'user', 'device', 'visitor']
const types = [
  'card_click',
  'room_enter',
  'scan',
  'click',
  'form',
  'share',
  'page_view',
  'impression',
]
const statuses = [
  'created',
  'paid',
  'partly_shipped',
  'shipped',
  'completed',
  'refunded',
  'cancelled',
]
const code = /^[a-z0-9][a-z0-9._-]{0,63}$/
const dayMs = 86_400_000

export interface Allowed {
  readonly now: number
  /** Source → kinds of identifier its events may name. */
  readonly sources: Readonly<Record<string, readonly string[]>>
}

/** Everything that is wrong with a touchpoint that was kept. */
export function touchpointWrongs(touch: Touchpoint, { now, sources }: Allowed): string[] {
  const { identifiers, shared_by: sharer, at, sent_at: sentAt } = touch
  const kinds = sources[touch.source] ?? []
  const isAllowed = (one: string): boolean => kinds.includes(one.slice(0, one.indexOf(':')))
  return wrongs([
    ['source', touch.source in sources],
    ['id', touch.id.length >= 1 && touch.id.length <= 128],
    ['type', types.includes(touch.type)],
    ['at', Number.isInteger(at) && at >= now - 30 * dayMs && at <= now + 5 * 60_000],
    ['sent_at', sentAt === null || (Number.isSafeInteger(sentAt) && sentAt >= 0)],
    ['accepted_at', touch.accepted_at === now],
    [
      'identifiers',
      identifiers.every((one) => identifier.test(one)) && isStrongestFirst(identifiers),
    ],
    ['identifier kinds', identifiers.every((one) => isAllowed(one) || one.startsWith('visitor:'))],
    ['shared_by', sharer === '' || (identifier.test(sharer) && isAllowed(sharer))],
    ['channel', code.test(touch.channel)],
    [
      'platform',
      touch.platform === '' || (code.test(touch.platform) && touch.platform.length <= 32),
    ],
    ['shop', /^[A-Za-z0-9._-]{0,64}$/.test(touch.shop)],
    ['page', touch.page.length <= 1_024 && !/[?#]/.test(touch.page)],
    ['referrer', !/[/?#@]/.test(touch.referrer)],
    ['texts', textsOf(touch).every(isClean)],
    ['row', isRow(touchpointRow(touch, { ...coordinates, timestampMs: now }))],
    ['lengths', [touch.room, touch.streamer, touch.video, touch.sku].every((t) => t.length <= 128)],
  ])
}

/** Everything that is wrong with an order that was kept. */
export function orderWrongs(order: Order, { now, sources }: Allowed): string[] {
  const { lines, status, paid_at: paidAt } = order
  const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0)
  const money = [order.paid_minor, order.refunded_minor, order.freight_minor, order.settled_minor]
  const amounts = [...money, ...lines.flatMap((one) => [one.paid_minor, one.refunded_minor])]
  const refunded = sum(lines.map((one) => one.refunded_minor))
  const times = [order.created_at, order.updated_at, ...(paidAt === null ? [] : [paidAt])]
  return wrongs([
    ['source', order.source in sources],
    ['platform', order.platform === 'douyin'],
    ['shop', ['S1', 'S2'].includes(order.shop)],
    ['key', order.order_key === `douyin:${order.shop}:${order.order_id}`],
    ['order_id', /^[A-Za-z0-9._-]{1,64}$/.test(order.order_id)],
    ['status', statuses.includes(status)],
    ['kind', ['sale', 'sample', 'gift'].includes(order.kind)],
    ['currency', /^[A-Z]{3}$/.test(order.currency)],
    ['times', times.every((at) => Number.isInteger(at) && at <= now + 5 * 60_000)],
    ['updated before created', order.updated_at >= order.created_at],
    ['created but paid', status !== 'created' || paidAt === null],
    ['paid at no time', ['created', 'cancelled'].includes(status) || paidAt !== null],
    ['amounts', amounts.every((one) => Number.isInteger(one) && one >= 0 && one <= 1e13)],
    ['paid', order.paid_minor === sum(lines.map((one) => one.paid_minor)) + order.freight_minor],
    [
      'refunded',
      order.refunded_minor >= refunded && order.refunded_minor <= refunded + order.freight_minor,
    ],
    ['lines', lines.length >= 1 && new Set(lines.map((one) => one.line_id)).size === lines.length],
    ['line refunds', lines.every((one) => one.refunded_minor <= one.paid_minor)],
    ['quantities', lines.every((one) => Number.isInteger(one.quantity) && one.quantity >= 1)],
    ['returned', lines.every((one) => one.refunded_quantity <= one.quantity)],
    ['identifiers', order.identifiers.every((one) => identifier.test(one))],
    ['texts', textsOf(order).every(isClean)],
    ['rows', orderRows(order, now).every(isRow)],
  ])
}

/** Everything that is wrong with a figure that was kept. */
export function figureWrongs(kind: FigureKind, figure: Figure, now: number): string[] {
  const { source, updated_at: updatedAt, accepted_at: acceptedAt } = figure
  const fields = figure as unknown as Readonly<Record<string, unknown>>
  const textOf = (name: string): string => String(fields[name])
  const isTime = (at: unknown): boolean =>
    at === null || (Number.isInteger(at) && Number(at) >= 0 && Number(at) <= now + 400 * dayMs)
  const times = Object.entries(fields).filter(([name]) => /_at$|^valid_from$/.test(name))
  const money = Object.entries(fields).filter(([name]) => name.endsWith('_minor'))
  const span = ([from, to]: readonly [string, string]): boolean =>
    !(from in fields) || fields[to] === null || Number(fields[to]) > Number(fields[from])
  return wrongs([
    ['source', source === 'finance' || source === 'many'],
    [
      'platform',
      !('platform' in fields) || /^([a-z0-9][a-z0-9._-]{0,31})?$/.test(textOf('platform')),
    ],
    [
      'own platform',
      source !== 'many' || !('platform' in fields) || textOf('platform') === 'douyin',
    ],
    ['named platform', !/live|sku/.test(kind) || fields['platform'] !== ''],
    ['own shop', source !== 'many' || ['', 'S1', 'S2', undefined].includes(fields['shop'] as '')],
    ['currency', !('currency' in fields) || /^[A-Z]{3}$/.test(textOf('currency'))],
    ['accepted_at', acceptedAt >= now && acceptedAt < now + 100],
    ['updated_at', updatedAt === null || updatedAt <= now + 5 * 60_000],
    ['times', times.every(([, at]) => isTime(at))],
    ['session', span(['started_at', 'ended_at'])],
    ['span', span(['from_at', 'to_at'])],
    ['money', money.every(([, one]) => Number.isInteger(one) && Number(one) >= 0)],
    ['key', figureKey(kind, figure as never).split(':').length === keyLengths[kind]],
    ['texts', textsOf(figure).every(isClean)],
    ['row', isRow(figureRow(kind, figure, now))],
  ])
}

const keyLengths = { 'live-sessions': 3, 'ad-spend': 2, 'product-costs': 3, 'sku-mappings': 3 }

function figureRow(kind: FigureKind, figure: Figure, now: number): unknown {
  const own = feeds.find(({ topic }) => topic.name === kind)
  return own?.rowOf(figure, { ...coordinates, timestampMs: now })
}

const coordinates = { topic: 'fuzz', partition: 0, offset: 2 ** 40 }

/** What an order becomes in the warehouse: its own row, and one of each line's reserved pieces. */
function orderRows(order: Order, now: number): unknown[] {
  const at = { ...coordinates, timestampMs: now }
  const { order_key, updated_at, lines } = order
  const reserved = { order_key, updated_at, reason: 'unpaid', version: 2 ** 32 + 1 }
  return [
    attributedOrderRow(anAttributedOrder({ order }), at),
    ...lines.map(({ sku, warehouse, quantity }) =>
      stockPositionRow({ ...reserved, sku, warehouse, quantity }, at),
    ),
  ]
}

/** Whether every column has a value that its type holds: texts, whole numbers of 64 bits, times the tables know. */
function isRow(row: unknown): row is Row {
  return !isReject(row) && numbersOf(row).every(Number.isSafeInteger)
}

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(numbersOf)
}

function wrongs(claims: readonly (readonly [string, boolean])[]): string[] {
  return claims.filter(([, holds]) => !holds).map(([name]) => name)
}

function isStrongestFirst(identifiers: readonly string[]): boolean {
  const rank = (one: string): number => ranks.indexOf(one.slice(0, one.indexOf(':')))
  return identifiers.every((one, at) => {
    const before = identifiers[at - 1]
    return (
      before === undefined ||
      rank(before) < rank(one) ||
      (rank(before) === rank(one) && before < one)
    )
  })
}

/** Every text of a record, however deep. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsOf)
}

function isClean(text: string): boolean {
  return text === text.trim() && !/[\p{Cc}\p{Cs}]/u.test(text)
}
