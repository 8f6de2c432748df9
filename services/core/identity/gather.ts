// Identity, first half: nodes gather. A node is a root that holds facts, or points to a smaller node; it sees
// only its own state and reaches others by messages. Pointers only decrease, so there are no cycles, and the
// root of a set ends up as its smallest identifier whatever arrives in whatever order.
import { mergeTold, toldBy } from '../attribution/told'
import type {
  Arrival,
  Evidence,
  Fact,
  Member,
  Order,
  OrderEntry,
  Sighting,
  Touchpoint,
} from '../records'
import { topics } from '../topics'
import { precedenceOf } from '../touchpoint-precedence'
import { compareEvidence } from './evidence'
import { callOff, noteSeen } from './farewell'
import { isHub, isLimited, type HubLimits } from './hubs'
import {
  entryOf,
  factTo,
  keys,
  newHead,
  takeFacts,
  type JourneyTurn,
  type Kept,
} from './journey-state'
import { newestSnapshot, withoutBuyer } from './newest-snapshot'
import { compareNodes, kindOf, sortIdentifiers } from './node'
import type { NodeHead } from '../records'

export interface GatherLimits {
  readonly hubs: HubLimits
  /** A root with more identifiers than this refuses links and is reported. */
  readonly clusterIdentifiers: number
}

/** Hears a message from another node. */
export function receive(turn: JourneyTurn, fact: Fact, limits: GatherLimits): void {
  if (fact.arrival !== null) arrive(turn, fact.arrival, limits)
  else if (fact.sighting !== null) sight(turn, fact.sighting, limits)
  else if (fact.link !== null) link(turn, fact.link, limits)
  else if (fact.snapshot !== null) observeOrder(turn, fact.snapshot)
  else toRoot(turn, fact)
}

/**
 * A touchpoint reaches one of its identifiers. A hub passes it on to the next weaker one and says so; when all
 * are hubs the first keeps it. Otherwise it goes to this node's root, and the other identifiers are told once
 * with whom they were seen.
 */
export function arrive(turn: JourneyTurn, arrival: Arrival, limits: GatherLimits): void {
  const { touchpoint, declined, last } = arrival
  const { identifiers } = touchpoint
  if (identifiers.length === 0) return
  // A set that was announced from here has been seen in full; who comes alone was never announced.
  const announced = identifiers.length > 1 && turn.get(keys.announced(identifiers)) !== undefined
  const head = announced ? headOf(turn) : see(turn, identifiers, limits)
  if (head.hub) noteSeen(turn)
  if (head.hub && !last) {
    const next = identifiers[identifiers.indexOf(turn.node) + 1]
    const to = next ?? identifiers[0] ?? turn.node
    const passed = { touchpoint, declined: [...declined, turn.node], last: next === undefined }
    turn.send(factTo(to, { arrival: passed }))
    return
  }
  toRoot(turn, { touch: touchpoint })
  for (const hub of declined) toRoot(turn, { hub })
  if (!last && !announced) announce(turn, identifiers)
}

/** An order is known by its own node: it unites the identifiers of its snapshots and offers itself to them. */
export function observeOrder(turn: JourneyTurn, order: Order): void {
  const head = headOf(turn)
  const { nameless } = head
  const named = nameless ? [] : order.identifiers
  const identifiers = sortIdentifiers([...head.identifiers, ...named])
  const entry: OrderEntry = {
    order: nameless ? withoutBuyer(order) : order,
    identifiers,
    version: 0,
    digest: '',
    credits: [],
    emitted: null,
    frozen: null,
    nameless,
    told: toldBy(order),
    trained: {},
  }
  const fresh = identifiers.length > head.identifiers.length
  if (fresh) putHead(turn, { ...head, identifiers })
  toRoot(turn, { order: entry })
  if (!fresh) return
  for (const to of identifiers) {
    turn.send(factTo(to, { sighting: { identifiers, home: turn.node } }))
  }
}

/** An identifier hears with whom it was seen, and links itself to where the record is kept. */
function sight(turn: JourneyTurn, { identifiers, home }: Sighting, limits: GatherLimits): void {
  const head = see(turn, identifiers, limits)
  if (head.hub) noteSeen(turn)
  if (head.hub) turn.send(factTo(home, { hub: turn.node }))
  else link(turn, home, limits)
}

/** This node and another belong to one set: the larger points to the smaller and hands its facts over. */
function link(turn: JourneyTurn, other: string, limits: GatherLimits): void {
  if (other === turn.node || other === headOf(turn).parent) return
  callOff(turn)
  const head = headOf(turn)
  if (head.parent !== '') {
    turn.send(factTo(head.parent, { link: other }))
  } else if (isRefused(other, head, limits)) {
    turn.emit(topics.findings, turn.node, {
      subject: turn.node,
      kind: 'oversized',
      detail: `holds ${head.members} identifiers and refuses to join ${other}`,
    })
  } else if (compareNodes(other, turn.node) < 0) {
    putHead(turn, { ...head, parent: other, members: 0 })
    for (const kept of takeFacts(turn)) turn.send(factTo(other, kept))
  } else {
    turn.send(factTo(other, { link: turn.node }))
  }
}

/** What remains of a forgotten set must come together, however much it is. */
function isRefused(other: string, { members }: NodeHead, limits: GatherLimits): boolean {
  const kind = kindOf(other)
  return kind !== 'order' && kind !== 'set' && members >= limits.clusterIdentifiers
}

/** Notes with whom this identifier is seen; whoever is seen with too many becomes a hub, and its root hears so. */
function see(turn: JourneyTurn, identifiers: readonly string[], limits: GatherLimits): NodeHead {
  const head = headOf(turn)
  if (head.hub) return head
  const limited = [...head.seen_with]
  let others = head.others
  for (const other of identifiers) {
    if (other === turn.node) continue
    if (isLimited(turn.node, other)) {
      if (!limited.includes(other)) limited.push(other)
    } else if (turn.get(keys.seenWith(other)) === undefined) {
      turn.put(keys.seenWith(other), entryOf({ noted: true }))
      others += 1
    }
  }
  const inAll = limited.length + others
  if (inAll === head.seen_with.length + head.others) return head
  const hub = isHub(turn.node, { limited, inAll }, limits.hubs)
  const seen: NodeHead = { ...head, hub, seen_with: hub ? [] : limited, others }
  putHead(turn, seen)
  if (hub) {
    toRoot(turn, { hub: turn.node })
    turn.emit(topics.findings, turn.node, {
      subject: turn.node,
      kind: 'hub',
      detail: `seen with ${inAll} others: it no longer joins anybody`,
    })
  }
  return seen
}

/** Once for each set: every other identifier of it hears of it. */
function announce(turn: JourneyTurn, identifiers: readonly string[]): void {
  if (identifiers.length < 2) return
  turn.put(keys.announced(identifiers), entryOf({ noted: true }))
  for (const to of identifiers) {
    if (to !== turn.node) turn.send(factTo(to, { sighting: { identifiers, home: turn.node } }))
  }
}

function headOf(turn: JourneyTurn): NodeHead {
  const head = turn.get(keys.head)?.head
  if (head !== undefined && head !== null) return head
  putHead(turn, newHead)
  const kind = kindOf(turn.node)
  if (kind !== 'order' && kind !== 'event' && kind !== 'set') {
    // One that was let go and returns must have higher versions than before.
    const version = turn.acceptedUpTo
    keep(turn, { member: { identifier: turn.node, version, digest: '' } })
  }
  return turn.get(keys.head)?.head ?? newHead
}

function putHead(turn: JourneyTurn, head: NodeHead): void {
  turn.put(keys.head, entryOf({ head }))
}

/** A root keeps a fact; any other node passes it to its parent. */
function toRoot(turn: JourneyTurn, kept: Kept): void {
  const { parent, parting } = headOf(turn)
  if (parent !== '') {
    turn.send(factTo(parent, kept))
    return
  }
  if (parting !== null) callOff(turn)
  keep(turn, kept)
}

function keep(turn: JourneyTurn, { touch, evidence, hub, order, member, forgotten }: Kept): void {
  if (touch) keepTouch(turn, touch)
  if (evidence) keepEvidence(turn, evidence)
  if (hub) keepHub(turn, hub)
  if (order) keepOrder(turn, order)
  if (member) keepMember(turn, member)
  if (forgotten) turn.put(keys.forgotten(forgotten), entryOf({ noted: true }))
}

/** Of touches with one key the earliest accepted stays, ties by content. */
function keepTouch(turn: JourneyTurn, touch: Touchpoint): void {
  const key = keys.touch(touch)
  const known = turn.get(key)?.touch ?? null
  if (known === null || precedes(touch, known)) {
    turn.put(key, entryOf({ touch }))
    turn.change({ kind: 'touch', at: touch.at })
  }
  const { identifiers, source, id, at } = touch
  // An identifier alone shows nothing: that it was seen is all there is to keep.
  const alone = { identifiers, source: '', id: '', at: 0 }
  keepEvidence(turn, identifiers.length < 2 ? alone : { identifiers, source, id, at })
}

/** Of two touchpoints with one (source, id), which counts; ClickHouse decides by the same number. */
export function precedes(a: Touchpoint, b: Touchpoint): boolean {
  if (a.accepted_at !== b.accepted_at) return a.accepted_at < b.accepted_at
  return precedenceOf(a) > precedenceOf(b)
}

/** Each set of identifiers is kept once, with the earliest record that showed it. */
function keepEvidence(turn: JourneyTurn, evidence: Evidence): void {
  const key = keys.evidence(evidence.identifiers)
  const known = turn.get(key)?.evidence ?? null
  if (known !== null && compareEvidence(known, evidence) <= 0) return
  turn.put(key, entryOf({ evidence }))
  turn.change({ kind: 'sets' })
}

function keepHub(turn: JourneyTurn, hub: string): void {
  if (turn.get(keys.hub(hub)) !== undefined) return
  turn.put(keys.hub(hub), entryOf({ hub }))
  turn.change({ kind: 'sets' })
}

/** Snapshot, version and last emission move as one; a snapshot that just arrived carries version 0. */
function keepOrder(turn: JourneyTurn, incoming: OrderEntry): void {
  const orderKey = incoming.order.order_key
  const known = turn.get(keys.order(orderKey))?.order ?? null
  const merged = known === null ? incoming : mergeOrders(known, incoming)
  turn.put(keys.order(orderKey), entryOf({ order: merged }))
  if (merged.nameless && known?.nameless !== true) turn.change({ kind: 'forgotten' })
  // An order is evidence too, dated by its creation.
  const sameSet =
    known !== null &&
    known.identifiers.length === merged.identifiers.length &&
    known.order.created_at === merged.order.created_at
  turn.change(sameSet ? { kind: 'order', orderKey } : { kind: 'sets' })
}

function mergeOrders(known: OrderEntry, incoming: OrderEntry): OrderEntry {
  const emitted = incoming.version > known.version ? incoming : known
  const disagree = incoming.version > 0 && known.version > 0 && incoming.digest !== known.digest
  const nameless = known.nameless || incoming.nameless
  const named = [known, incoming].flatMap(({ identifiers }) => (nameless ? [] : identifiers))
  const [one, other] = nameless
    ? [withoutBuyer(known.order), withoutBuyer(incoming.order)]
    : [known.order, incoming.order]
  return {
    ...emitted,
    order: newestSnapshot(one, other),
    identifiers: sortIdentifiers(named),
    digest: disagree ? '' : emitted.digest,
    nameless,
    told: mergeTold(known.told, incoming.told),
  }
}

function keepMember(turn: JourneyTurn, incoming: Member): void {
  const key = keys.member(incoming.identifier)
  const known = turn.get(key)?.member ?? null
  if (known === null) {
    const head = turn.get(keys.head)?.head ?? newHead
    putHead(turn, { ...head, members: head.members + 1 })
  }
  if (known === null || incoming.version > known.version) {
    turn.put(key, entryOf({ member: incoming }))
  }
  turn.change({ kind: 'sets' })
}
