// A node is an identifier or an order. Identifiers read `kind:hash` or, where a value is only unique within
// an app or platform, `kind:scope:hash`; orders read `order:` and the order key; an event that names nobody
// reads `event:source:id`; what remains of a set whose root was forgotten has a root that reads `set:` and a random
// text. Nodes are totally ordered, strongest kind first: the root of a set is its smallest.

import { compareTexts } from '../compare-texts'

/** Strongest first. `code` is the ERP's customer code; openid is scoped by app, user by platform. */
export const identifierKinds = [
  'code',
  'phone',
  'unionid',
  'openid',
  'user',
  'device',
  'visitor',
] as const

export type IdentifierKind = (typeof identifierKinds)[number]
type NodeKind = IdentifierKind | 'event' | 'order' | 'set'

/** Kinds whose values are unique only within a scope. */
export const scopedKinds: ReadonlySet<string> = new Set(['openid', 'user'])

const ranks: ReadonlyMap<string, number> = new Map(
  ['set', ...identifierKinds, 'event', 'order'].map((kind, rank) => [kind, rank]),
)

export function kindOf(node: string): NodeKind {
  return node.slice(0, node.indexOf(':')) as NodeKind
}

/** The app or platform within which a scoped identifier is unique; the kind itself for the others. */
export function scopeOf(identifier: string): string {
  const kind = kindOf(identifier)
  if (!scopedKinds.has(kind)) return kind
  return identifier.slice(0, identifier.lastIndexOf(':'))
}

/** Negative when `a` is stronger: by kind, then by text. */
export function compareNodes(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || compareTexts(a, b)
}

function rankOf(node: string): number {
  return ranks.get(kindOf(node)) ?? ranks.size
}

/** Sorted strongest first, without repetition. */
export function sortIdentifiers(identifiers: Iterable<string>): string[] {
  return [...new Set(identifiers)].sort(compareNodes)
}

export function orderNode(orderKey: string): string {
  return `order:${orderKey}`
}

/** The node that a touchpoint belongs to when it carries no identifier. */
function eventNode(source: string, id: string): string {
  return `event:${source}:${id}`
}

/** The Kafka key that brings a record to a node's partition: the order key for an order, else the node itself. */
export function partitionKeyOf(node: string): string {
  return kindOf(node) === 'order' ? node.slice('order:'.length) : node
}

/** The Kafka key of a touchpoint: its strongest identifier, or its own event node. */
export function touchpointKey(touchpoint: {
  readonly source: string
  readonly id: string
  readonly identifiers: readonly string[]
}): string {
  return touchpoint.identifiers[0] ?? eventNode(touchpoint.source, touchpoint.id)
}
