// Attribution at a root: which of its orders a batch has touched, what each comes to now, and a new version
// where that differs from what was said last.
import { digestOf } from '../digest'
import { ownerOfOrder } from '../identity/decide'
import { entriesOf, entryOf, keys, touchesFrom } from '../identity/journey-state'
import type { JourneyChange, JourneyTurn } from '../identity/journey-state'
import { orderNode } from '../identity/node'
import type { FrozenCredits, OrderEntry, ReplacedOrder } from '../records'
import { topics } from '../topics'
import { appliedTo, windowOf } from './applied-settings'
import { conversionTime } from './attribute'
import {
  attributionOf,
  orderContent,
  type OrderContent,
  type OrderSettings,
  type RootEvidence,
  type RootView,
} from './order-content'
import { lateFinding } from './told'

const versionsPerGeneration = 2 ** 32

export interface OrderSettling {
  readonly settings: OrderSettings
  readonly root: () => RootEvidence
}

export function settleOrders(
  turn: JourneyTurn,
  changes: readonly JourneyChange[],
  { settings, root }: OrderSettling,
): void {
  const orders = ordersOf(turn)
  const affected = orders.filter((entry) => isAffected(entry, changes, settings))
  if (affected.length === 0) return
  const view = { ...root(), orders, settings }
  const cause = causeOf(changes)
  for (const entry of affected) {
    emitIfChanged(turn, entry, { content: orderContent(turn, entry, view), cause, settings })
  }
}

/** Keeps what the orders whose window begins before a time came to, since touches before it are about to leave. */
export function freezeOrders(
  turn: JourneyTurn,
  before: number,
  { settings, root }: OrderSettling,
): void {
  const orders = ordersOf(turn)
  const concerned = orders.filter(
    ({ order, frozen }) =>
      frozen === null && windowOf(appliedTo(order, settings.attribution)).from < before,
  )
  if (concerned.length === 0) return
  const view = { ...root(), orders, settings }
  for (const entry of concerned) {
    if (!hasTouchesBefore(turn, entry, { before, settings })) continue
    const frozen = frozenCredits(turn, entry, view)
    turn.put(keys.order(entry.order.order_key), entryOf({ order: { ...entry, frozen } }))
  }
}

/** What an order comes to as things stand, to be held on to. */
export function frozenCredits(turn: JourneyTurn, entry: OrderEntry, view: RootView): FrozenCredits {
  const person = ownerOfOrder(orderNode(entry.order.order_key), entry.identifiers, view.persons)
  const { converted_at, settings, journey, not_shown, credits, trained } = attributionOf(
    turn,
    entry,
    {
      ...view,
      person,
    },
  )
  return { converted_at, settings, journey, not_shown, credits, trained }
}

export function ordersOf(turn: JourneyTurn): OrderEntry[] {
  return [...entriesOf(turn, 'o')].flatMap(({ order }) => order ?? [])
}

function hasTouchesBefore(
  turn: JourneyTurn,
  entry: OrderEntry,
  { before, settings }: { before: number; settings: OrderSettings },
): boolean {
  const { from, to } = windowOf(appliedTo(entry.order, settings.attribution))
  const [first] = turn.range(touchesFrom(from), touchesFrom(Math.min(before, to + 1)))
  return first !== undefined
}

function causeOf(changes: readonly JourneyChange[]): string {
  const kinds = new Set(changes.map(({ kind }) => kind))
  if (kinds.has('forgotten')) return 'forget'
  if (kinds.has('sets')) return 'merge'
  if (kinds.has('order')) return 'snapshot'
  if (kinds.has('touch')) return 'touch'
  return kinds.has('settings') ? 'settings' : 'trained'
}

/** New evidence and new settings concern every order; a touch those it may precede; a trained model those that are
 * due it; an order itself and, where
 * orders reset journeys, the others. */
function isAffected(
  entry: OrderEntry,
  changes: readonly JourneyChange[],
  settings: OrderSettings,
): boolean {
  const applied = appliedTo(entry.order, settings.attribution)
  const { from, to } = windowOf(applied)
  return changes.some((change) => {
    switch (change.kind) {
      case 'sets':
      case 'settings':
      case 'forgotten':
        return true
      case 'touch':
        return change.at >= from && change.at <= to
      case 'trained':
        return change.orderKey === entry.order.order_key
      case 'order':
        // Where orders reset journeys, one that moved in time concerns those after its old place and its new.
        return (
          change.orderKey === entry.order.order_key || applied.settings.repeat_orders !== 'none'
        )
    }
  })
}

function emitIfChanged(
  turn: JourneyTurn,
  entry: OrderEntry,
  { content, cause, settings }: { content: OrderContent; cause: string; settings: OrderSettings },
): void {
  const digest = digestOf(JSON.stringify(withoutArrival(content)))
  if (digest === entry.digest) return
  const version = Math.max(entry.version, settings.generation * versionsPerGeneration) + 1
  const emitted: ReplacedOrder = {
    version,
    converted_at: content.converted_at,
    currency: content.order.currency,
  }
  const { order_key: orderKey } = entry.order
  const { credits, trained } = content
  turn.put(
    keys.order(orderKey),
    entryOf({ order: { ...entry, version, digest, credits, trained, emitted } }),
  )
  noteWhereLate(turn, entry, settings)
  turn.emit(topics.attributedOrders, orderKey, {
    ...content,
    version,
    cause,
    replaces: entry.credits,
    replaces_order: entry.emitted,
  })
}

/** Once for each conversion that is told. */
function noteWhereLate(turn: JourneyTurn, entry: OrderEntry, { attribution }: OrderSettings): void {
  const applied = appliedTo(entry.order, attribution)
  const convertedAt = conversionTime(entry.order, applied.settings)
  if (convertedAt === null || convertedAt === entry.emitted?.converted_at) return
  const finding = lateFinding(entry, applied)
  if (finding !== null) turn.emit(topics.findings, finding.subject, finding)
}

/** Accepted times are run columns: the same order delivered twice is no change. */
function withoutArrival(content: OrderContent): unknown {
  const { sealed_buyer: sealed, ...order } = content.order
  return {
    ...content,
    order: { ...order, accepted_at: 0, sealed: sealed === null ? null : sealed.data.join() },
  }
}
