// The journey stage's store: a node is a small head plus one entry per fact, so that a touch costs one put
// however long the journey is. What a root keeps moves together when it finds a smaller one.
//
//   key            kept by              what it is
//   h              every node           head: where it points to, with whom it was seen
//   a|set digest   an identifier        a set it has told the others of
//   s|identifier   an identifier        one it was seen with, of kinds without a limit of their own
//   b|identifier   a root               a hub that its sets name
//   e|set digest   a root               evidence: a set of identifiers and the earliest record that showed it
//   f|identifier   a root               one that was forgotten and whose node is still to go
//   m|identifier   a root               member: an identifier that points here, and what was last said of it
//   o|order key    a root               an order with its last emission
//   t|time|id set  a root               a touch
//   v|model        `trained:`           which versions of a trained model there are
//   w|model|version  `trained:`         one of them
//
// A root is a node whose head points nowhere (parent ''). It is the smallest identifier of a set; or an order's own
// node, while no identifier has taken the order over; or `set:`, where the smallest was forgotten. A forgotten node
// (leaving) always points somewhere; a root that takes leave (parting) is one until it goes.
import { digestOf } from '../digest'
import type { NodeState, Turn } from '../stage'
import type { Fact, JourneyEntry, NodeHead, Touchpoint } from '../records'
import type { topics } from '../topics'

export type JourneyState = NodeState<JourneyEntry>

/** What a settled root has to look at again. */
export type JourneyChange =
  | { readonly kind: 'touch'; readonly at: number }
  | { readonly kind: 'order'; readonly orderKey: string }
  | { readonly kind: 'sets' }
  | { readonly kind: 'settings' }
  | { readonly kind: 'trained'; readonly orderKey: string }
  | { readonly kind: 'forgotten' }

export type JourneyTurn = Turn<
  JourneyEntry,
  Fact,
  typeof topics.attributedOrders | typeof topics.identities | typeof topics.findings,
  JourneyChange
>

const noEntry: JourneyEntry = {
  head: null,
  touch: null,
  evidence: null,
  hub: null,
  order: null,
  member: null,
  noted: null,
  trained: null,
  trained_versions: null,
}

const noFact: Omit<Fact, 'to'> = {
  arrival: null,
  sighting: null,
  link: null,
  snapshot: null,
  touch: null,
  evidence: null,
  hub: null,
  order: null,
  member: null,
  forgotten: null,
  forget: null,
  reset: null,
  farewell: null,
}

/** A fact that a root keeps; exactly one field is set. */
export type Kept = Partial<
  Pick<Fact, 'touch' | 'evidence' | 'hub' | 'order' | 'member' | 'forgotten'>
>

export function entryOf(content: Partial<JourneyEntry>): JourneyEntry {
  return { ...noEntry, ...content }
}

export function factTo(to: string, content: Partial<Omit<Fact, 'to'>>): Fact {
  return { ...noFact, ...content, to }
}

export const keys = {
  head: 'h',
  announced: (identifiers: readonly string[]) => `a|${setDigest(identifiers)}`,
  seenWith: (identifier: string) => `s|${identifier}`,
  evidence: (identifiers: readonly string[]) => `e|${setDigest(identifiers)}`,
  hub: (identifier: string) => `b|${identifier}`,
  member: (identifier: string) => `m|${identifier}`,
  forgotten: (identifier: string) => `f|${identifier}`,
  order: (orderKey: string) => `o|${orderKey}`,
  /** Sorts by time, then by source and id, with a blank between since nothing sorts before it; a touch that came twice
   * has one key unless its time or identifiers differ. */
  touch: ({ at, source, id, identifiers }: Touchpoint) =>
    `${touchesFrom(at)}|${source} ${id} ${setDigest(identifiers)}`,
}

/** All of a node but whom it was seen with and its touches, which may be many. */
export const nearKeys = ['a', 'p'] as const

/** First possible key of a touch at a time. */
export function touchesFrom(atMs: number): string {
  return `t|${String(atMs).padStart(15, '0')}`
}

function setDigest(identifiers: readonly string[]): string {
  return digestOf(identifiers.join(' '))
}

/** All entries of one kind, by its letter. */
export function* entriesOf(
  state: JourneyState,
  letter: 'b' | 'e' | 'm' | 'o' | 't',
): Iterable<JourneyEntry> {
  for (const [, entry] of state.range(`${letter}|`, `${letter}}`)) yield entry
}

/** Everything a root hands over to the smaller node it now points to. */
export function takeFacts(state: JourneyState): Kept[] {
  const facts: Kept[] = []
  const taken: string[] = []
  for (const forgotten of forgottenAt(state)) {
    facts.push({ forgotten })
    taken.push(keys.forgotten(forgotten))
  }
  for (const letter of ['b', 'e', 'm', 'o', 't']) {
    for (const [key, entry] of state.range(`${letter}|`, `${letter}}`)) {
      const { touch, evidence, hub, order, member } = entry
      facts.push({ touch, evidence, hub, order, member })
      taken.push(key)
    }
  }
  for (const key of taken) state.remove(key)
  return facts
}

/** Identifiers whose person was forgotten here and whose nodes are still to go. */
export function forgottenAt(state: JourneyState): string[] {
  const found: string[] = []
  for (const [key] of state.range('f|', 'f}')) found.push(key.slice('f|'.length))
  return found
}

/** Everything a node holds, its head too. */
export function removeAll(state: JourneyState): void {
  const all: string[] = []
  for (const [key] of state.range('', '~')) all.push(key)
  for (const key of all) state.remove(key)
}

export const newHead: NodeHead = {
  parent: '',
  seen_with: [],
  hub: false,
  identifiers: [],
  members: 0,
  others: 0,
  nameless: false,
  idle_since: null,
  leaving: false,
  seen_at: null,
  parting: null,
  detour: false,
}
