// What shows that identifiers belong together: the sets of identifiers that records carried.
import { compareTexts } from '../compare-texts'
import type { Evidence } from '../records'
import { entriesOf, type JourneyTurn } from './journey-state'

/** By time, then by the record that showed it. */
export function compareEvidence(a: Evidence, b: Evidence): number {
  if (a.at !== b.at) return a.at - b.at
  return compareTexts(`${a.source} ${a.id}`, `${b.source} ${b.id}`)
}

/** Evidence of all sets a root holds, touches' and orders', each set once with its earliest record. */
export function evidenceOf(turn: JourneyTurn): Evidence[] {
  const bySet = new Map<string, Evidence>()
  const add = (evidence: Evidence): void => {
    const key = evidence.identifiers.join(' ')
    const known = bySet.get(key)
    if (known === undefined || compareEvidence(evidence, known) < 0) bySet.set(key, evidence)
  }
  for (const { evidence } of entriesOf(turn, 'e')) if (evidence !== null) add(evidence)
  for (const { order } of entriesOf(turn, 'o')) {
    if (order === null || order.identifiers.length === 0) continue
    const { order_key: id, created_at: at } = order.order
    add({ identifiers: order.identifiers, source: 'order', id, at })
  }
  return [...bySet.values()].sort(
    (a, b) => compareEvidence(a, b) || (a.identifiers.join(' ') < b.identifiers.join(' ') ? -1 : 1),
  )
}
