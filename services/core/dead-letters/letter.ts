// A dead letter as an operator sees it: what was refused where and why, and what became of it since.
import type { DeadLetterOutcome } from '../records'
import { deadLetterHeaders, replayHeaders } from '../topics'

/** Where a refused record was read. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface Letter {
  /** `topic:partition:offset:stage` of the refused record: buried twice it is still one letter. */
  readonly id: string
  /** Null when the letter does not say where it came from: then it cannot be replayed. */
  readonly origin: Origin | null
  readonly stage: string
  readonly reason: string
  readonly detail: string
  /** Id of the first letter of a record that was replayed and refused again; null for the first itself. */
  readonly replayOf: string | null
  readonly key: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  readonly valueBytes: number
  /** When it was buried last, by Kafka's clock. */
  readonly buriedAtMs: number
  /** Offset of that burial on the dead letters' topic. */
  readonly offset: number
  /** How often it was buried: more than once when a process died between burying and going on. */
  readonly burials: number
}

/** What is asked of a record of the dead letters' topic. */
export interface BuriedRecord {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  readonly timestampMs: number
}

/** An outcome and when Kafka took it: only its clock is compared with its clock. */
export interface Decision {
  readonly outcome: DeadLetterOutcome
  readonly takenAtMs: number
}

export type LetterState = 'open' | 'replayed' | 'dropped' | 'superseded'

export function letterFrom(record: BuriedRecord): Letter {
  const { headers, key, value, offset, timestampMs } = record
  const stage = headers[deadLetterHeaders.stage] ?? ''
  const origin = originFrom(headers)
  return {
    id: origin === null ? `dead-letters:0:${offset}:unknown` : letterId(origin, stage),
    origin,
    stage,
    reason: headers[deadLetterHeaders.reason] ?? '',
    detail: headers[deadLetterHeaders.detail] ?? '',
    replayOf: headers[replayHeaders.of] ?? null,
    key,
    headers,
    valueBytes: value?.length ?? 0,
    buriedAtMs: timestampMs,
    offset,
    burials: 1,
  }
}

export function letterId({ topic, partition, offset }: Origin, stage: string): string {
  return `${topic}:${partition}:${offset}:${stage}`
}

/** The origin an id names; null for a text that is no id. */
export function originOfId(id: string): Origin | null {
  const match = /^([a-zA-Z0-9._-]+):(\d{1,9}):(\d{1,15}):[^:]+$/.exec(id)
  if (match === null) return null
  return { topic: match[1] ?? '', partition: Number(match[2]), offset: Number(match[3]) }
}

/** Takes a letter in; one that is known already was buried again. */
export function addLetter(letters: Map<string, Letter>, letter: Letter): void {
  const known = letters.get(letter.id)
  letters.set(letter.id, known === undefined ? letter : { ...letter, burials: known.burials + 1 })
}

/** The latest decision about each letter counts. */
export function addDecision(decisions: Map<string, Decision>, decision: Decision): void {
  const known = decisions.get(decision.outcome.letter)
  if (known !== undefined && known.takenAtMs > decision.takenAtMs) return
  decisions.set(decision.outcome.letter, decision)
}

/** What was buried again after it was decided about is open again: it was refused once more. */
export function stateOf(letter: Letter, decision: Decision | undefined): LetterState {
  if (decision === undefined || decision.takenAtMs < letter.buriedAtMs) return 'open'
  const { outcome } = decision.outcome
  return outcome === 'replayed' || outcome === 'dropped' || outcome === 'superseded'
    ? outcome
    : 'open'
}

export interface LetterFilter {
  readonly topic: string | null
  readonly stage: string | null
  readonly reason: string | null
  readonly sinceMs: number | null
  readonly untilMs: number | null
  /** Part of the original key. */
  readonly key: string | null
}

export function matches(letter: Letter, filter: LetterFilter): boolean {
  const { topic, stage, reason, sinceMs, untilMs, key } = filter
  return (
    (topic === null || letter.origin?.topic === topic) &&
    (stage === null || letter.stage === stage) &&
    (reason === null || letter.reason === reason) &&
    (sinceMs === null || letter.buriedAtMs >= sinceMs) &&
    (untilMs === null || letter.buriedAtMs < untilMs) &&
    (key === null || String(letter.key ?? '').includes(key))
  )
}

function originFrom(headers: Readonly<Record<string, string>>): Origin | null {
  const topic = headers[deadLetterHeaders.topic] ?? ''
  const partition = wholeNumber(headers[deadLetterHeaders.partition])
  const offset = wholeNumber(headers[deadLetterHeaders.offset])
  if (topic === '' || partition === null || offset === null) return null
  return { topic, partition, offset }
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}
