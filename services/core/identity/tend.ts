// A root lets go of what no rule needs any more: touches that no order can be credited for, orders of which no
// snapshot can come, sets of identifiers that have shown nothing for long. An order that had converted when its
// touches leave keeps what it came to, and later refunds scale that.
import { longestWindowMs, type AttributionSettings } from '../attribution/settings'
import { freezeOrders, ordersOf, type OrderSettling } from '../attribution/settle-orders'
import { isDueTrained } from '../attribution/order-content'
import { dropTrained, trainedNode } from '../attribution/trained-models'
import { eventLeadMaxMs } from '../edge/event-time'
import type { NodeHead, Reset } from '../records'
import { idleMaxMs, orderKeptMs, touchKeptMs } from '../retention'
import type { Upkeep } from '../stage'
import { compareEvidence } from './evidence'
import { takeLeave } from './farewell'
import {
  entriesOf,
  entryOf,
  factTo,
  keys,
  removeAll,
  touchesFrom,
  type JourneyTurn,
} from './journey-state'
import { orderNode } from './node'

const goesAltogether: Reset = { forgotten: [], parent: '', nameless: false, gone: true }

/** Looks after one node; only roots hold anything that ages, and the node of the trained models. */
export function tendNode(turn: JourneyTurn, upkeep: Upkeep, settling: OrderSettling): void {
  if (turn.node === trainedNode) {
    dropTrained(turn)
    return
  }
  const head = turn.get(keys.head)?.head ?? null
  if (head?.parent !== '' || head.leaving) return
  if (upkeep.settingsChanged && !isEmpty(turn, 'o')) turn.change({ kind: 'settings' })
  callForTrained(turn, settling)
  if (turn.acceptedUpTo === 0) return
  dropTouches(turn, settling)
  dropOrders(turn)
  if (turn.get(keys.head) !== undefined) letIdleGo(turn, head)
}

/** A trained model may have come after the orders it credits, or they from a partition where it had not come yet. */
function callForTrained(turn: JourneyTurn, { settings }: OrderSettling): void {
  for (const entry of ordersOf(turn)) {
    if (!isDueTrained(turn, entry, settings)) continue
    turn.change({ kind: 'trained', orderKey: entry.order.order_key })
  }
}

function dropTouches(turn: JourneyTurn, settling: OrderSettling): void {
  const { attribution } = settling.settings
  const acceptedBefore = turn.acceptedUpTo - touchKeptMs(longestOf(attribution))
  // An event may be dated a little after its acceptance, never more.
  const before = acceptedBefore + eventLeadMaxMs
  const old: string[] = []
  for (const [key, { touch }] of turn.range(touchesFrom(0), touchesFrom(Math.max(0, before)))) {
    if (touch !== null && touch.accepted_at < acceptedBefore) old.push(key)
  }
  if (old.length === 0) return
  freezeOrders(turn, before, settling)
  for (const key of old) turn.remove(key)
}

function longestOf(all: readonly AttributionSettings[]): number {
  return Math.max(...all.map(longestWindowMs))
}

/** An order's set of identifiers stays evidence when the order goes. Its node needs no leave: no snapshot that it
 * could still pass on is taken at this age. */
function dropOrders(turn: JourneyTurn): void {
  for (const entry of ordersOf(turn)) {
    const { order_key: id, created_at: at } = entry.order
    if (at >= turn.acceptedUpTo - orderKeptMs) continue
    const { identifiers } = entry
    const evidence = { identifiers, source: 'order', id, at }
    const known = turn.get(keys.evidence(identifiers))?.evidence ?? null
    if (identifiers.length > 1 && (known === null || compareEvidence(evidence, known) < 0)) {
      turn.put(keys.evidence(identifiers), entryOf({ evidence }))
    }
    turn.remove(keys.order(id))
    const node = orderNode(id)
    if (node === turn.node) removeAll(turn)
    else turn.send(factTo(node, { reset: goesAltogether }))
  }
}

/** A set that holds neither touches nor orders for long goes: its identifiers begin anew if they return. */
function letIdleGo(turn: JourneyTurn, head: NodeHead): void {
  const idle = isEmpty(turn, 't') && isEmpty(turn, 'o')
  if (!idle || head.idle_since === null) {
    const idleSince = idle ? turn.acceptedUpTo : null
    if (head.idle_since !== idleSince) {
      turn.put(keys.head, entryOf({ head: { ...head, idle_since: idleSince } }))
    }
    return
  }
  if (head.idle_since < turn.acceptedUpTo - idleMaxMs) takeLeave(turn, head)
}

function isEmpty(turn: JourneyTurn, letter: 'o' | 't'): boolean {
  const [first] = entriesOf(turn, letter)
  return first === undefined
}
