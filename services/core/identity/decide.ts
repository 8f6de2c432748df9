// Who is one person: a pure function of the evidence a root has gathered. Two phones are one person only
// through a customer code; whoever stands between two people belongs to neither.
import { compareNodes, kindOf } from './node'

export interface Persons {
  /** Person (its smallest identifier) of every identifier that is no hub. */
  readonly personOf: ReadonlyMap<string, string>
  /** Identifiers at equal distance from two persons; each stands alone. */
  readonly contested: ReadonlySet<string>
  readonly hubs: ReadonlySet<string>
}

function isAnchor(identifier: string): boolean {
  const kind = kindOf(identifier)
  return kind === 'code' || kind === 'phone'
}

/**
 * 1. Hubs are dropped from all sets.
 * 2. A customer code is an anchor; a phone seen directly with exactly one code joins it, otherwise it is its
 *    own anchor.
 * 3. Every weaker identifier joins its nearest anchor, breadth first through weaker ones; two at equal
 *    distance: contested. No anchor: the connected weaker identifiers are the person.
 */
export function decidePersons(
  identifierSets: Iterable<readonly string[]>,
  hubs: ReadonlySet<string>,
): Persons {
  const sets = [...identifierSets]
    .map((set) => set.filter((identifier) => !hubs.has(identifier)))
    .filter((set) => set.length > 0)
  const [only, ...others] = sets
  // Most persons begin so, and many stay so.
  if (only?.length === 1 && others.length === 0) {
    return { personOf: new Map(only.map((one) => [one, one])), contested: new Set(), hubs }
  }
  const anchors = anchorsOf(sets)
  const neighbours = weakNeighbours(sets)
  const reached = reachFromAnchors(sets, anchors, neighbours)

  const personOf = new Map(anchors)
  const contested = new Set<string>()
  for (const [weak, persons] of reached) {
    const [person] = persons
    if (persons.size === 1 && person !== undefined) {
      personOf.set(weak, person)
    } else {
      personOf.set(weak, weak)
      contested.add(weak)
    }
  }
  joinUnanchored(neighbours, personOf)
  return { personOf, contested, hubs }
}

/** The person of every code and phone. */
function anchorsOf(sets: readonly (readonly string[])[]): Map<string, string> {
  const codesOfPhone = new Map<string, Set<string>>()
  const anchors = new Map<string, string>()
  for (const set of sets) {
    const codes = set.filter((identifier) => kindOf(identifier) === 'code')
    for (const code of codes) anchors.set(code, code)
    for (const phone of set.filter((identifier) => kindOf(identifier) === 'phone')) {
      const known = codesOfPhone.get(phone) ?? new Set()
      for (const code of codes) known.add(code)
      codesOfPhone.set(phone, known)
    }
  }
  for (const [phone, codes] of codesOfPhone) {
    const [code] = codes
    anchors.set(phone, codes.size === 1 && code !== undefined ? code : phone)
  }
  return anchors
}

function weakNeighbours(sets: readonly (readonly string[])[]): Map<string, Set<string>> {
  const neighbours = new Map<string, Set<string>>()
  for (const set of sets) {
    const weak = set.filter((identifier) => !isAnchor(identifier))
    for (const one of weak) {
      const known = neighbours.get(one) ?? new Set()
      for (const other of weak) if (other !== one) known.add(other)
      neighbours.set(one, known)
    }
  }
  return neighbours
}

/** For each weaker identifier the persons at its smallest distance; those no anchor reaches are absent. */
function reachFromAnchors(
  sets: readonly (readonly string[])[],
  anchors: ReadonlyMap<string, string>,
  neighbours: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, Set<string>> {
  const reached = new Map<string, Set<string>>()
  let front = new Map<string, Set<string>>()
  for (const set of sets) {
    const persons = set.flatMap((identifier) => anchors.get(identifier) ?? [])
    if (persons.length === 0) continue
    for (const weak of set) if (!isAnchor(weak)) addAll(front, weak, persons)
  }
  while (front.size > 0) {
    for (const [weak, persons] of front) reached.set(weak, persons)
    const next = new Map<string, Set<string>>()
    for (const [weak, persons] of front) {
      for (const neighbour of neighbours.get(weak) ?? []) {
        if (!reached.has(neighbour)) addAll(next, neighbour, persons)
      }
    }
    front = next
  }
  return reached
}

function addAll(map: Map<string, Set<string>>, key: string, values: Iterable<string>): void {
  const known = map.get(key) ?? new Set()
  for (const value of values) known.add(value)
  map.set(key, known)
}

function joinUnanchored(
  neighbours: ReadonlyMap<string, ReadonlySet<string>>,
  personOf: Map<string, string>,
): void {
  for (const start of neighbours.keys()) {
    if (personOf.has(start)) continue
    const connected = [start]
    const seen = new Set(connected)
    for (const one of connected) {
      for (const other of neighbours.get(one) ?? []) {
        if (seen.has(other) || personOf.has(other)) continue
        seen.add(other)
        connected.push(other)
      }
    }
    const person = connected.reduce((least, one) => (compareNodes(one, least) < 0 ? one : least))
    for (const one of connected) personOf.set(one, person)
  }
}

/** The person a touchpoint with these identifiers (strongest first) belongs to; a touchpoint of hubs only
 * stays with the first. */
export function ownerOf(identifiers: readonly string[], persons: Persons): string | undefined {
  const first = identifiers.find((identifier) => !persons.hubs.has(identifier))
  return first === undefined ? identifiers[0] : (persons.personOf.get(first) ?? first)
}

/** The person an order belongs to; an order of hubs only, or of nobody, stands alone. */
export function ownerOfOrder(
  node: string,
  identifiers: readonly string[],
  persons: Persons,
): string {
  const first = identifiers.find((identifier) => !persons.hubs.has(identifier))
  return first === undefined ? node : (persons.personOf.get(first) ?? first)
}
