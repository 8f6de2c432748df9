// Reads what was buried and what was decided about it. Kafka is asked, not ClickHouse: the letters are there before
// they are anywhere else, and ClickHouse may be what is broken.
import {
  addDecision,
  addLetter,
  letterFrom,
  stateOf,
  type Decision,
  type Letter,
  type LetterState,
} from '../../services/core/dead-letters/letter'
import { isReject } from '../../services/core/reject'
import { deadLettersTopic, topics } from '../../services/core/topics'
import { SetupError } from '../../services/runtime/errors'
import type { IncomingRecord } from '../../services/runtime/kafka'
import type { Desk } from './desk'

export interface DecidedLetter {
  readonly letter: Letter
  readonly state: LetterState
  readonly decision: Decision | null
}

/** Every letter the topic still holds by its id, oldest first, with what became of it. */
export async function readLetters(desk: Desk): Promise<Map<string, DecidedLetter>> {
  const letters = new Map<string, Letter>()
  const stretch = { topic: desk.prefix + deadLettersTopic.name, partition: 0, from: 0 }
  await desk.reader.read(stretch, (records) => {
    for (const record of records) addLetter(letters, letterFrom(record))
  })
  const decisions = await readDecisions(desk)
  const decided = [...letters.values()].map((letter): [string, DecidedLetter] => {
    const decision = decisions.get(letter.id)
    return [letter.id, { letter, state: stateOf(letter, decision), decision: decision ?? null }]
  })
  return new Map(decided)
}

/** The latest decision about each letter, by its id. */
export async function readDecisions(desk: Desk): Promise<Map<string, Decision>> {
  const topic = topics.deadLetterOutcomes
  const records: IncomingRecord[] = []
  const stretch = { topic: desk.prefix + topic.name, partition: 0, from: 0 }
  await desk.reader.read(stretch, (heard) => {
    records.push(...heard)
  })
  const decisions = new Map<string, Decision>()
  if (records.length === 0) return decisions
  const codec = await desk.registry.topicCodec(topic)
  await codec.learn(records.map(({ value }) => value))
  for (const { value, offset, timestampMs } of records) {
    const outcome = codec.decode(value)
    if (isReject(outcome)) {
      throw new SetupError(`${stretch.topic} offset ${offset}: ${outcome.detail}`)
    }
    addDecision(decisions, { outcome, takenAtMs: timestampMs })
  }
  return decisions
}

/** A letter as it lies in its topic, with the original bytes. @throws SetupError when it is gone */
export async function fetchLetter(letter: Letter, desk: Desk): Promise<IncomingRecord> {
  const found: IncomingRecord[] = []
  const { offset } = letter
  await desk.reader.read(
    {
      ...{ topic: desk.prefix + deadLettersTopic.name, partition: 0 },
      ...{ from: offset, to: offset + 1, fetchBytes: 65_536 },
    },
    (records) => {
      found.push(...records)
    },
  )
  const [record] = found
  if (record === undefined) throw new SetupError(`${letter.id} is no longer in its topic`)
  return record
}
