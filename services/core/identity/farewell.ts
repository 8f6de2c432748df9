// How a set of identifiers that has shown nothing for long goes, without leaving anything behind that is under way.
// First the root asks each identifier to come: it points straight to the root from then on, and its answer takes
// the way that whatever it said before has taken. Once all have answered nobody passes on for anybody else. Then
// the root asks each to go: the identifier is no more, and what names it later begins anew. Once all have answered
// nothing can come any more that was said to this root, and it goes itself. Whatever else the root hears meanwhile
// calls it off: identifiers that went already are told to join again.
import type { Farewell, NodeHead } from '../records'
import { idleMaxMs } from '../retention'
import { topics } from '../topics'
import {
  entriesOf,
  entryOf,
  factTo,
  forgottenAt,
  keys,
  removeAll,
  type JourneyTurn,
} from './journey-state'
import { compareNodes, kindOf } from './node'

const dayMs = 86_400_000

/** A root that has shown nothing for long takes leave of its identifiers. */
export function takeLeave(turn: JourneyTurn, head: NodeHead): void {
  // Forgotten nodes still point here; they go first.
  if (head.parting !== null || forgottenAt(turn).length > 0) return
  askAll(turn, head, { beganAt: turn.acceptedUpTo, step: 'come' })
}

/** An identifier is asked by its root, or a root hears an answer. */
export function hearFarewell(turn: JourneyTurn, told: Farewell): void {
  const head = turn.get(keys.head)?.head ?? null
  if (!told.answers) answer(turn, head, told)
  else if (head === null) return
  else if (head.parent !== '') turn.send(factTo(head.parent, { farewell: told }))
  else if (isAwaited(head, told)) hearAnswer(turn, head, told)
}

/** Notes the day on which a hub was seen: it keeps nothing else of what names it. */
export function noteSeen(turn: JourneyTurn): void {
  const head = turn.get(keys.head)?.head ?? null
  const day = turn.appendedAt - (turn.appendedAt % dayMs)
  if (head === null || day <= (head.seen_at ?? 0)) return
  turn.put(keys.head, entryOf({ head: { ...head, seen_at: day } }))
}

/** Something came after all: the root stays, and whoever went for it joins again. */
export function callOff(turn: JourneyTurn, idleSince: number | null = null): void {
  const head = turn.get(keys.head)?.head ?? null
  if (head === null || head.parting === null) return
  turn.put(keys.head, entryOf({ head: { ...head, parting: null, idle_since: idleSince } }))
  if (head.parting.step !== 'go') return
  for (const member of othersOf(turn)) turn.send(factTo(member, { link: turn.node }))
}

type Step = 'come' | 'go'

function askAll(
  turn: JourneyTurn,
  head: NodeHead,
  { beganAt, step }: { beganAt: number; step: Step },
): void {
  const seenAt = seenSince(head, beganAt)
  if (seenAt !== null) {
    callOff(turn, seenAt)
    return
  }
  const others = othersOf(turn)
  if (others.length === 0) {
    vanish(turn)
    return
  }
  const parting = { began_at: beganAt, step, awaited: others.length }
  turn.put(keys.head, entryOf({ head: { ...head, parting } }))
  const farewell = { root: turn.node, began_at: beganAt, step, answers: false, seen_at: null }
  for (const member of others) turn.send(factTo(member, { farewell }))
}

function answer(turn: JourneyTurn, head: NodeHead | null, told: Farewell): void {
  const { root, step } = told
  const seenAt = head === null ? null : seenSince(head, told.began_at)
  const answered = { farewell: { ...told, answers: true, seen_at: seenAt } }
  // Whoever is no more has nothing under way; whoever is a root of its own says so by joining.
  if (head === null) turn.send(factTo(root, answered))
  else if (head.parent === '') turn.send(factTo(root, { link: turn.node }))
  else if (step === 'come') {
    turn.send(factTo(head.parent, answered))
    if (compareNodes(root, head.parent) >= 0) return
    turn.put(keys.head, entryOf({ head: { ...head, parent: root } }))
  } else if (head.parent === root) {
    if (seenAt === null) vanish(turn)
    turn.send(factTo(root, answered))
  }
}

function isAwaited({ parting }: NodeHead, told: Farewell): boolean {
  return parting !== null && parting.began_at === told.began_at && parting.step === told.step
}

function hearAnswer(turn: JourneyTurn, head: NodeHead, told: Farewell): void {
  const { parting } = head
  if (parting === null) return
  if (told.seen_at !== null) {
    callOff(turn, told.seen_at)
  } else if (parting.awaited > 1) {
    const fewer = { ...parting, awaited: parting.awaited - 1 }
    turn.put(keys.head, entryOf({ head: { ...head, parting: fewer } }))
  } else if (parting.step === 'come') {
    askAll(turn, head, { beganAt: parting.began_at, step: 'go' })
  } else {
    vanish(turn)
  }
}

/** When a hub was seen, where that is not too long ago. */
function seenSince({ hub, seen_at: seenAt }: NodeHead, nowMs: number): number | null {
  return hub && seenAt !== null && seenAt >= nowMs - idleMaxMs ? seenAt : null
}

function othersOf(turn: JourneyTurn): string[] {
  return [...entriesOf(turn, 'm')].flatMap(({ member }) =>
    member === null || member.identifier === turn.node ? [] : [member.identifier],
  )
}

/** Said by the identifier itself, so that nothing it is said to be later comes before. */
function vanish(turn: JourneyTurn): void {
  removeAll(turn)
  if (kindOf(turn.node) !== 'set') turn.emit(topics.identities, turn.node, null)
}
