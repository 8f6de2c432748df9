// Identity as the outside sees it: for every identifier a root holds, which person it belongs to and what
// shows it. Emitted only where it differs from what was said last.
import { digestOf } from '../digest'
import type { Evidence, Member } from '../records'
import { topics } from '../topics'
import type { Persons } from './decide'
import { entriesOf, entryOf, keys, type JourneyTurn } from './journey-state'
import { kindOf } from './node'

const evidenceShownMax = 20

export function settleIdentities(
  turn: JourneyTurn,
  { persons, evidence }: { persons: Persons; evidence: readonly Evidence[] },
): void {
  const members = [...entriesOf(turn, 'm')].flatMap(({ member }) => member ?? [])
  const shownBy = evidenceByIdentifier(evidence)
  for (const member of members) {
    emitIfChanged(turn, member, { persons, evidence: shownBy.get(member.identifier) ?? [] })
  }
}

function evidenceByIdentifier(evidence: readonly Evidence[]): Map<string, Evidence[]> {
  const shownBy = new Map<string, Evidence[]>()
  for (const one of evidence) {
    if (one.identifiers.length < 2) continue
    for (const identifier of one.identifiers) {
      const known = shownBy.get(identifier)
      if (known === undefined) shownBy.set(identifier, [one])
      else if (known.length < evidenceShownMax) known.push(one)
    }
  }
  return shownBy
}

function emitIfChanged(
  turn: JourneyTurn,
  member: Member,
  { persons, evidence }: { persons: Persons; evidence: readonly Evidence[] },
): void {
  const { identifier } = member
  const state = persons.hubs.has(identifier)
    ? 'hub'
    : persons.contested.has(identifier)
      ? 'contested'
      : 'member'
  const person = persons.personOf.get(identifier) ?? identifier
  // A hub's sets lie at many roots; only its own root knows that it is one, and nothing more.
  const shown = state === 'hub' ? [] : evidence
  const digest = digestOf(JSON.stringify([person, state, shown]))
  if (digest === member.digest) return
  const version = member.version + 1
  turn.put(keys.member(identifier), entryOf({ member: { identifier, version, digest } }))
  turn.emit(topics.identities, identifier, {
    identifier,
    kind: kindOf(identifier),
    person,
    state,
    evidence: shown,
    version,
  })
  if (state === 'contested') {
    turn.emit(topics.findings, identifier, {
      subject: identifier,
      kind: 'contested',
      detail: 'as near to one person as to another: it stands alone',
    })
  }
}
