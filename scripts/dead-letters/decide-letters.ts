// Writes down what was decided about letters, and sends replays, both in one transaction: no replay without a note of
// it, no note without a replay. The transactional id is one for all operators: whoever begins fences whoever began before,
// and then looks again at what is decided, so that two who replay the same letter at once replay it once.
import type { LetterState, Letter } from '../../services/core/dead-letters/letter'
import { stateOf } from '../../services/core/dead-letters/letter'
import { topics } from '../../services/core/topics'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import type { Desk } from './desk'
import { readDecisions } from './read-letters'

export interface Verdict {
  readonly letter: Letter
  readonly outcome: Exclude<LetterState, 'open'>
  readonly why: string
  /** The replay; null when nothing is sent. */
  readonly record: OutgoingRecord | null
}

export interface DecideOptions {
  /** Letters that were decided about before count too. */
  readonly again: boolean
  readonly perSecond: number
  /** Told of each letter once it is decided about for good. */
  readonly decided: (verdict: Verdict) => void
  readonly verdictOn: (letter: Letter) => Promise<Verdict>
}

const transactionTimeoutMs = 60_000
const chunkLettersMax = 100
const chunkBytesMax = 4 * 1_048_576

/** @returns how many were left out because somebody else had decided about them meanwhile */
export async function decideLetters(
  letters: readonly Letter[],
  desk: Desk,
  options: DecideOptions,
): Promise<number> {
  const codec = await desk.registry.topicCodec(topics.deadLetterOutcomes)
  const producer = await desk.kafka.connectTransactionalProducer({
    transactionalId: `${desk.prefix}dead-letters`,
    transactionTimeoutMs,
  })
  try {
    let transaction = await producer.begin()
    const decisions = await readDecisions(desk)
    const open = letters.filter(
      (letter) => options.again || stateOf(letter, decisions.get(letter.id)) === 'open',
    )
    const chunks = chunksOf(open, options.perSecond)
    const beganMs = performance.now()
    let done = 0
    for (const [at, chunk] of chunks.entries()) {
      if (at > 0) transaction = await producer.begin()
      const verdicts: Verdict[] = []
      for (const letter of chunk) verdicts.push(await options.verdictOn(letter))
      const notes = verdicts.map((verdict) => ({
        topic: desk.prefix + topics.deadLetterOutcomes.name,
        partition: 0,
        key: verdict.letter.id,
        value: codec.encode(outcomeOf(verdict, desk)),
      }))
      await transaction.send([...verdicts.flatMap(({ record }) => record ?? []), ...notes])
      await transaction.commit()
      for (const verdict of verdicts) options.decided(verdict)
      done += chunk.length
      if (at < chunks.length - 1) await pace(beganMs, done / options.perSecond)
    }
    return letters.length - open.length
  } finally {
    await producer.close()
  }
}

function outcomeOf({ letter, outcome, why }: Verdict, { by }: Desk) {
  return { letter: letter.id, outcome, why, decided_by: by, decided_at: Date.now() }
}

function chunksOf(letters: readonly Letter[], perSecond: number): Letter[][] {
  const chunks: Letter[][] = []
  let bytes = 0
  for (const letter of letters) {
    const last = chunks.at(-1)
    bytes += letter.valueBytes
    if (
      last === undefined ||
      last.length >= Math.min(perSecond, chunkLettersMax) ||
      bytes > chunkBytesMax
    ) {
      chunks.push([letter])
      bytes = letter.valueBytes
    } else last.push(letter)
  }
  return chunks
}

async function pace(beganMs: number, dueSeconds: number): Promise<void> {
  const waitMs = beganMs + dueSeconds * 1_000 - performance.now()
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
}
