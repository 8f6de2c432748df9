// Dead letters keep the bytes of what was refused. Those that name the person are dropped, so that no replay brings them
// back; their bytes leave the topic when their time is over.
import { addLetter, letterFrom, type Letter } from '../../services/core/dead-letters/letter'
import { deadLettersTopic } from '../../services/core/topics'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { decideLetters } from '../dead-letters/decide-letters'
import type { Parts } from './parts'

export async function findLetters(
  { reader, prefix }: Parts,
  identifiers: readonly string[],
): Promise<Letter[]> {
  const letters = new Map<string, Letter>()
  const stretch = { topic: prefix + deadLettersTopic.name, partition: 0, from: 0 }
  await reader.read(stretch, (records) => {
    for (const record of records) {
      if (quotesOneOf(record, identifiers)) addLetter(letters, letterFrom(record))
    }
  })
  return [...letters.values()]
}

/** Letters somebody has decided about before are left as they are. */
export async function dropLetters(parts: Parts, letters: readonly Letter[]): Promise<void> {
  if (letters.length === 0) return
  await decideLetters(letters, parts, {
    again: false,
    perSecond: 1_000,
    decided: () => undefined,
    verdictOn: (letter) =>
      Promise.resolve({ letter, outcome: 'dropped', why: 'deletion on request', record: null }),
  })
}

function quotesOneOf(
  { key, value, headers }: IncomingRecord,
  identifiers: readonly string[],
): boolean {
  const texts = Object.values(headers)
  return identifiers.some(
    (one) =>
      (key?.includes(one) ?? false) ||
      (value?.includes(one) ?? false) ||
      texts.some((text) => text.includes(one)),
  )
}
