// Who is who, computed at once from everything that was ever seen together. A second reading of the rules, on
// purpose without any code of the product: no nodes, no messages, no order of arrival.

/** Identifiers seen together, strongest first, and the record that showed it. */
export interface Sighting {
  readonly identifiers: readonly string[]
  readonly source: string
  readonly id: string
  readonly at: number
}

/** With how many others an identifier may be seen before it names a crowd. */
export interface CrowdLimits {
  readonly devicePhones: number
  readonly deviceAccounts: number
  readonly accountPhones: number
  readonly phoneAccounts: number
  readonly phoneAccountsInAll: number
  readonly codePhones: number
  readonly others: number
}

export interface WhoIsWho {
  readonly known: ReadonlySet<string>
  readonly hubs: ReadonlySet<string>
  readonly contested: ReadonlySet<string>
  /** The person of any known identifier; who is nobody's stands for itself. */
  personOf(identifier: string): string
  membersOf(person: string): string[]
  /** Of identifiers strongest first, the strongest that is no hub. */
  strongest(identifiers: readonly string[]): string | undefined
  /** Sets of two or more that hold any of these, each with its earliest record, earliest first. */
  evidenceFor(identifiers: readonly string[]): Sighting[]
}

const strength = ['code', 'phone', 'unionid', 'openid', 'user', 'device', 'visitor']
const accountKinds = ['unionid', 'openid', 'user']
const kind = (identifier: string): string => identifier.split(':', 1)[0] ?? ''
const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

export function strongestFirst(identifiers: readonly string[]): string[] {
  return [...new Set(identifiers)].sort(
    (a, b) => strength.indexOf(kind(a)) - strength.indexOf(kind(b)) || byText(a, b),
  )
}

export function findOutWhoIsWho(sightings: readonly Sighting[], limits: CrowdLimits): WhoIsWho {
  const known = new Set(sightings.flatMap(({ identifiers }) => identifiers))
  const hubs = new Set([...known].filter((one) => isCrowd(one, sightings, limits)))
  const groups = sightings
    .map(({ identifiers }) => identifiers.filter((one) => !hubs.has(one)))
    .filter(({ length }) => length > 0)
  const people = namePeople(groups)
  const personOf = (one: string): string => people.get(one) ?? one
  const contested = new Set([...people.keys()].filter((one) => people.get(one) === null))
  return {
    ...{ known, hubs, contested, personOf },
    membersOf: (person) =>
      [...people.keys()].filter((one) => personOf(one) === person).sort(byText),
    strongest: (identifiers) => identifiers.find((one) => !hubs.has(one)),
    evidenceFor: (identifiers) => evidence(sightings, identifiers),
  }
}

function isCrowd(identifier: string, sightings: readonly Sighting[], limits: CrowdLimits): boolean {
  const together = new Set(
    sightings
      .filter(({ identifiers }) => identifiers.includes(identifier))
      .flatMap((one) => one.identifiers),
  )
  together.delete(identifier)
  const phones = [...together].filter((other) => kind(other) === 'phone').length
  const accounts = [...together].filter((other) => accountKinds.includes(kind(other)))
  const platforms = accounts.map((account) => account.split(':').slice(0, -1).join(':'))
  const ofOnePlatform = Math.max(
    0,
    ...platforms.map((platform) => platforms.filter((one) => one === platform).length),
  )
  if (together.size > limits.others) return true
  switch (kind(identifier)) {
    case 'code':
      return phones > limits.codePhones
    case 'phone':
      return ofOnePlatform > limits.phoneAccounts || accounts.length > limits.phoneAccountsInAll
    case 'device':
    case 'visitor':
      return phones > limits.devicePhones || ofOnePlatform > limits.deviceAccounts
    default:
      return phones > limits.accountPhones
  }
}

/** The person of each identifier; null for one as near to one person as to another. */
function namePeople(groups: readonly (readonly string[])[]): Map<string, string | null> {
  const names = new Set(groups.flat())
  const people = new Map<string, string | null>()
  for (const code of names) if (kind(code) === 'code') people.set(code, code)
  for (const phone of names) {
    if (kind(phone) !== 'phone') continue
    const seenWith = groups.filter((group) => group.includes(phone)).flat()
    const codes = [...new Set(seenWith.filter((other) => kind(other) === 'code'))]
    people.set(phone, codes.length === 1 ? (codes[0] ?? phone) : phone)
  }
  const anchors = new Map(people)
  const weak = [...names].filter((one) => !anchors.has(one))
  const distances = new Map(
    [...new Set(anchors.values())].map((person) => [
      person,
      stepsFrom(
        [...anchors.keys()].filter((anchor) => anchors.get(anchor) === person),
        groups,
        anchors,
      ),
    ]),
  )
  const adrift = new Set<string>()
  for (const one of weak) {
    const near = [...distances].flatMap(([person, steps]) => {
      const step = steps.get(one)
      return step === undefined ? [] : [{ person, step }]
    })
    const least = Math.min(...near.map(({ step }) => step))
    const nearest = near.filter(({ step }) => step === least)
    if (nearest.length === 0) adrift.add(one)
    else people.set(one, nearest.length === 1 ? (nearest[0]?.person ?? null) : null)
  }
  for (const one of adrift) {
    const together = [...stepsFrom([one], groups, anchors).keys()]
    people.set(one, strongestFirst(together)[0] ?? one)
  }
  return people
}

/** How many steps from group to group, through weak identifiers only, each weak one is away from the start. */
function stepsFrom(
  start: readonly string[],
  groups: readonly (readonly string[])[],
  anchors: ReadonlyMap<string, unknown>,
): Map<string, number> {
  const steps = new Map<string, number>(start.map((one) => [one, 0]))
  for (let step = 1, reached = true; reached; step += 1) {
    reached = false
    for (const group of groups) {
      if (!group.some((one) => (steps.get(one) ?? step) < step)) continue
      for (const one of group) {
        if (anchors.has(one) || steps.has(one)) continue
        steps.set(one, step)
        reached = true
      }
    }
  }
  return steps
}

function evidence(sightings: readonly Sighting[], identifiers: readonly string[]): Sighting[] {
  const sets = new Map<string, Sighting[]>()
  for (const sighting of sightings) {
    if (sighting.identifiers.length < 2) continue
    if (!sighting.identifiers.some((one) => identifiers.includes(one))) continue
    const set = sighting.identifiers.join(' ')
    sets.set(set, [...(sets.get(set) ?? []), sighting])
  }
  const earliest = [...sets.values()].flatMap((of) => of.sort(earlier)[0] ?? [])
  return earliest.sort(
    (a, b) => earlier(a, b) || byText(a.identifiers.join(' '), b.identifiers.join(' ')),
  )
}

function earlier(a: Sighting, b: Sighting): number {
  return a.at - b.at || byText(`${a.source} ${a.id}`, `${b.source} ${b.id}`)
}
