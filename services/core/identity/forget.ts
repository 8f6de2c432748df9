// Deletion on request. The root of a person's identifiers drops what it knows of that person and leaves the
// person's orders, which keep their money, without a name. Whoever pointed to a forgotten identifier then points to
// the root of what remains. The forgotten nodes themselves only pass on what still comes, until the operator,
// who can see that everything said before has been heard, lets them go: otherwise an order's snapshot on its
// way could find nobody and be counted as a new order. An identifier that joins nobody is mentioned in the sets of
// others, and does not know where: the operator, who has the tables, tells those others.
import { frozenCredits, ordersOf } from '../attribution/settle-orders'
import type { OrderSettings, RootEvidence, RootView } from '../attribution/order-content'
import type { Forget, NodeHead, OrderEntry, Reset } from '../records'
import { topics } from '../topics'
import { ownerOf, ownerOfOrder } from './decide'
import { callOff } from './farewell'
import {
  entriesOf,
  entryOf,
  factTo,
  forgottenAt,
  keys,
  newHead,
  removeAll,
  takeFacts,
  type JourneyTurn,
} from './journey-state'
import { withoutBuyer } from './newest-snapshot'
import { compareNodes, kindOf, orderNode } from './node'

export interface Forgetting {
  readonly settings: OrderSettings
  readonly root: () => RootEvidence
}

/** Hears that a person is to be forgotten: passed on to the root, which alone knows who that is. */
export function forget(turn: JourneyTurn, told: Forget, tools: Forgetting): void {
  const head = turn.get(keys.head)?.head ?? null
  if (head === null) return
  if (head.parent !== '') {
    turn.send(factTo(head.parent, { forget: told }))
    return
  }
  callOff(turn)
  forgetPerson(turn, told, tools)
  if (told.finally) letGo(turn)
}

/** Hears what to hold no trace of, and where the root is now. */
export function reset(turn: JourneyTurn, told: Reset): void {
  callOff(turn)
  const head = turn.get(keys.head)?.head ?? null
  if (head === null) return
  const forgotten = new Set(told.forgotten)
  if (told.gone) {
    removeAll(turn)
  } else if (forgotten.has(turn.node)) {
    const isElsewhere = head.parent !== '' && !forgotten.has(head.parent)
    const detour = isOnDetour(head, forgotten)
    // Of another set, which is not known to be the same yet: the two unite, and are told again.
    if (isElsewhere) turn.send(factTo(head.parent, { link: told.parent }))
    leave(turn, { ...head, detour }, isElsewhere || detour ? head.parent : told.parent)
  } else {
    clean(turn, head, { ...told, forgotten })
  }
}

function forgetPerson(turn: JourneyTurn, told: Forget, { settings, root }: Forgetting): void {
  const known = root()
  const { persons } = known
  const owner = persons.personOf.get(told.identifier) ?? told.identifier
  const gone = told.mentioned
    ? new Set([told.identifier])
    : new Set([
        ...forgottenAt(turn),
        told.identifier,
        ...[...persons.personOf].flatMap(([one, person]) => (person === owner ? [one] : [])),
      ])
  const members = [...entriesOf(turn, 'm')].flatMap(({ member }) => member?.identifier ?? [])
  const orders = ordersOf(turn)
  tellHubs(turn, gone, { members, orders })
  const nameless = dropNames(turn, { gone, owner, view: { ...known, orders, settings } })
  dropTouches(turn, gone, (identifiers) => ownerOf(identifiers, persons) === owner)
  dropIdentifiers(turn, gone)
  if (!told.mentioned) {
    for (const one of gone) turn.put(keys.forgotten(one), entryOf({ noted: true }))
  }
  turn.change({ kind: 'forgotten' })
  const leaving = told.mentioned ? new Set<string>() : gone
  moveRoot(turn, { gone, leaving, members, nameless, orders, set: told.set })
}

/** Identifiers that join nobody were seen with a forgotten one too, and are of no set that could tell them. */
function tellHubs(
  turn: JourneyTurn,
  gone: ReadonlySet<string>,
  { members, orders }: { members: readonly string[]; orders: readonly OrderEntry[] },
): void {
  const known = new Set([...members, ...gone])
  const told = new Set<string>()
  const sets = [...evidenceSets(turn), ...orders.map(({ identifiers }) => identifiers)]
  for (const set of sets) {
    for (const identifier of set.filter((one) => gone.has(one))) {
      for (const hub of set) {
        if (known.has(hub) || told.has(`${hub} ${identifier}`)) continue
        told.add(`${hub} ${identifier}`)
        const forget = { identifier, set: '', mentioned: true, finally: false }
        turn.send(factTo(hub, { forget }))
      }
    }
  }
}

function* evidenceSets(turn: JourneyTurn): Iterable<readonly string[]> {
  for (const { evidence } of entriesOf(turn, 'e')) if (evidence !== null) yield evidence.identifiers
}

/** The person's orders keep what they came to, without a name; so do orders of others that name somebody contested who
 * is forgotten, since those counted the touches that leave with that one. @returns order keys of the nameless */
function dropNames(
  turn: JourneyTurn,
  { gone, owner, view }: { gone: ReadonlySet<string>; owner: string; view: RootView },
): Set<string> {
  const nameless = new Set<string>()
  const isContestedAndGone = (one: string): boolean =>
    gone.has(one) && view.persons.contested.has(one)
  for (const entry of view.orders) {
    const { order_key: key } = entry.order
    const whose = ownerOfOrder(orderNode(key), entry.identifiers, view.persons)
    const named = entry.identifiers.filter((one) => !gone.has(one))
    const isTheirs = whose === owner || (named.length === 0 && entry.identifiers.length > 0)
    if (entry.nameless || isTheirs) nameless.add(key)
    if (!isTheirs && named.length === entry.identifiers.length) continue
    const counted = isTheirs || entry.identifiers.some(isContestedAndGone)
    const frozen = counted ? (entry.frozen ?? frozenCredits(turn, entry, view)) : entry.frozen
    const kept = isTheirs
      ? withoutName({ ...entry, frozen })
      : { ...entry, frozen, order: { ...entry.order, identifiers: named }, identifiers: named }
    turn.put(keys.order(key), entryOf({ order: kept }))
  }
  return nameless
}

function withoutName(entry: OrderEntry): OrderEntry {
  return { ...entry, order: withoutBuyer(entry.order), identifiers: [], nameless: true }
}

/** The person's own touches go; others lose the forgotten identifiers. */
function dropTouches(
  turn: JourneyTurn,
  gone: ReadonlySet<string>,
  isTheirs: (identifiers: readonly string[]) => boolean,
): void {
  for (const [key, { touch }] of [...turn.range('t|', 't}')]) {
    if (touch === null) continue
    const others = touch.identifiers.filter((one) => !gone.has(one))
    const shared = gone.has(touch.shared_by)
    if (others.length === touch.identifiers.length && !shared) continue
    turn.remove(key)
    if (isTheirs(touch.identifiers) || others.length === 0) continue
    const kept = { ...touch, identifiers: others, shared_by: shared ? '' : touch.shared_by }
    turn.put(keys.touch(kept), entryOf({ touch: kept }))
  }
}

function dropIdentifiers(turn: JourneyTurn, gone: ReadonlySet<string>): void {
  for (const [key, { evidence }] of [...turn.range('e|', 'e}')]) {
    const others = evidence?.identifiers.filter((one) => !gone.has(one)) ?? []
    if (evidence === null || others.length === evidence.identifiers.length) continue
    turn.remove(key)
    if (others.length === 0) continue
    // What it still shows may be known already, from an earlier record.
    const left = keys.evidence(others)
    const known = turn.get(left)?.evidence ?? null
    if (known === null || known.at > evidence.at) {
      turn.put(left, entryOf({ evidence: { ...evidence, identifiers: others } }))
    }
  }
  for (const one of gone) {
    turn.remove(keys.hub(one))
    if (turn.get(keys.member(one)) === undefined) continue
    turn.remove(keys.member(one))
    turn.emit(topics.identities, one, null)
  }
}

interface Remaining {
  readonly gone: ReadonlySet<string>
  /** Those whose nodes are to go from this set. */
  readonly leaving: ReadonlySet<string>
  readonly members: readonly string[]
  readonly nameless: ReadonlySet<string>
  readonly orders: readonly OrderEntry[]
  readonly set: string
}

/** What remains keeps this root, or where it is forgotten too goes to one that is smaller than any identifier: so
 * pointers still only decrease, whatever is under way. */
function moveRoot(turn: JourneyTurn, remaining: Remaining): void {
  const { gone, leaving, members, nameless, orders } = remaining
  const others = members.filter((one) => !gone.has(one))
  const orderNodes = orders.map(({ order }) => orderNode(order.order_key))
  const moves = leaving.has(turn.node)
  const parent = moves ? remaining.set : turn.node
  const forgotten = [...gone].sort(compareNodes)
  for (const node of new Set([...others, ...leaving, ...orderNodes])) {
    if (node === turn.node) continue
    const told = { forgotten, parent, nameless: isNamelessNode(node, nameless), gone: false }
    turn.send(factTo(node, { reset: told }))
  }
  const head = { ...(turn.get(keys.head)?.head ?? newHead), members: others.length }
  if (!moves) {
    clean(turn, head, { forgotten: gone, parent, nameless: isNamelessNode(turn.node, nameless) })
    return
  }
  leave(turn, head, parent)
}

function isNamelessNode(node: string, nameless: ReadonlySet<string>): boolean {
  return kindOf(node) === 'order' && nameless.has(node.slice('order:'.length))
}

/** What a node said before is still on its way through the forgotten one that it points to. What it says next must not
 * come before that, or an order's version would be counted from none: it points elsewhere when told again. */
function isOnDetour(head: NodeHead, forgotten: ReadonlySet<string>): boolean {
  return forgotten.has(head.parent) ? !head.detour : head.detour
}

/** A forgotten node keeps nothing but where to pass things on to. It may be a root of its own still, that has not
 * heard yet that it belongs to the set that is forgotten. */
function leave(turn: JourneyTurn, head: NodeHead, parent: string): void {
  const facts = takeFacts(turn)
  for (const kept of facts) turn.send(factTo(parent, kept))
  removeAll(turn)
  const { hub, detour } = head
  const left: NodeHead = { ...newHead, hub, detour, parent, leaving: true }
  turn.put(keys.head, entryOf({ head: left }))
}

/** A node that stays loses all trace of the forgotten, and a pointer to one of them. */
function clean(
  turn: JourneyTurn,
  head: NodeHead,
  told: { forgotten: ReadonlySet<string>; parent: string; nameless: boolean },
): void {
  const { forgotten, parent } = told
  let { others } = head
  for (const one of forgotten) {
    if (turn.get(keys.seenWith(one)) === undefined) continue
    turn.remove(keys.seenWith(one))
    others -= 1
  }
  const detour = isOnDetour(head, forgotten)
  const dangling = forgotten.has(head.parent) && head.detour && parent !== ''
  turn.put(
    keys.head,
    entryOf({
      head: {
        ...head,
        others,
        seen_with: head.seen_with.filter((one) => !forgotten.has(one)),
        identifiers: told.nameless ? [] : head.identifiers.filter((one) => !forgotten.has(one)),
        nameless: head.nameless || told.nameless,
        parent: parent === turn.node ? '' : dangling ? parent : head.parent,
        detour,
      },
    }),
  )
}

/** Everything has been heard: the forgotten nodes go, and what is known of them. */
function letGo(turn: JourneyTurn): void {
  for (const node of forgottenAt(turn)) {
    turn.remove(keys.forgotten(node))
    const told: Reset = { forgotten: [node], parent: '', nameless: false, gone: true }
    turn.send(factTo(node, { reset: told }))
  }
  const [head, more] = turn.range('', '~')
  if (kindOf(turn.node) === 'set' && head !== undefined && more === undefined) removeAll(turn)
}
