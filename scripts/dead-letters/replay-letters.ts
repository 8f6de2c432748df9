// Sends letters through their own topics again: original key and bytes, to the stage that refused them.
import { letterId, type Letter, type Origin } from '../../services/core/dead-letters/letter'
import {
  firstOrigin,
  headersOfReplay,
  homePartition,
  isReplay,
  onlyNewestCounts,
} from '../../services/core/dead-letters/replay'
import { isReject } from '../../services/core/reject'
import { SetupError } from '../../services/runtime/errors'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import { decideLetters, type DecideOptions, type Verdict } from './decide-letters'
import { topicCalled, type Desk } from './desk'
import { fetchLetter, type DecidedLetter } from './read-letters'

/** Of each letter that a newer record of its key makes pointless, that record. */
export type Superseding = ReadonlyMap<string, Origin>

/**
 * What is to be replayed so that what was refused is tried again as it is now: where a newer record of the key was
 * refused as well, that one too.
 */
export async function planReplay(
  chosen: readonly Letter[],
  all: ReadonlyMap<string, DecidedLetter>,
  desk: Desk,
): Promise<{ readonly letters: readonly Letter[]; readonly superseding: Superseding }> {
  for (const letter of chosen) assertReplayable(letter, desk)
  const superseding = await findNewer(chosen, desk)
  const letters = new Map(chosen.map((letter) => [letter.id, letter]))
  for (const { id, stage } of chosen) {
    const newer = superseding.get(id)
    const own = newer === undefined ? undefined : all.get(letterId(newer, stage))
    if (own?.state === 'open') letters.set(own.letter.id, own.letter)
  }
  return { letters: [...letters.values()], superseding }
}

/** @returns how many were left out because somebody else had decided about them meanwhile */
export async function replayLetters(
  { letters, superseding }: { letters: readonly Letter[]; superseding: Superseding },
  desk: Desk,
  options: Omit<DecideOptions, 'verdictOn'>,
): Promise<number> {
  const verdictOn = async (letter: Letter): Promise<Verdict> => {
    const newer = superseding.get(letter.id)
    if (newer === undefined) {
      return { letter, outcome: 'replayed', why: '', record: await replayOf(letter, desk) }
    }
    const why = `a newer record of its key is at ${newer.topic}:${newer.partition}:${newer.offset}`
    return { letter, outcome: 'superseded', why, record: null }
  }
  return decideLetters(letters, desk, { ...options, verdictOn })
}

/** @throws SetupError when the letter's topic is none of ours, or has not as many partitions any more */
function assertReplayable({ id, origin }: Letter, desk: Desk): void {
  if (origin === null) throw new SetupError(`${id} does not say where it came from: drop it`)
  const topic = topicCalled(origin.topic, desk)
  if (topic === null) {
    throw new SetupError(`${id}: ${origin.topic} is no topic of this installation`)
  }
  const count = topic.partitions === 'one' ? 1 : desk.partitions
  if (origin.partition >= count) {
    throw new SetupError(`${id}: ${origin.topic} has ${count} partitions now`)
  }
}

async function replayOf(letter: Letter, desk: Desk): Promise<OutgoingRecord> {
  const { origin, reason } = letter
  const topic = origin === null ? null : topicCalled(origin.topic, desk)
  if (origin === null || topic === null) throw new SetupError(`${letter.id} cannot be replayed`)
  const { key, value } = await fetchLetter(letter, desk)
  const record = { topic: origin.topic, key, value, headers: headersOfReplay(letter) }
  if (reason !== 'invalid') return { ...record, partition: origin.partition }
  const codec = await desk.registry.topicCodec(topic)
  await codec.learn([value])
  const decoded = codec.decode(value)
  const place = { origin, partitions: desk.partitions }
  const partition = isReject(decoded) ? origin.partition : homePartition(topic, decoded, place)
  return { ...record, partition }
}

/** Reads on in the letters' topics, each partition once, for records that came after them. */
async function findNewer(letters: readonly Letter[], desk: Desk): Promise<Map<string, Origin>> {
  const places = new Map<string, { readonly from: Origin; readonly letters: Letter[] }>()
  for (const letter of letters) {
    const from = firstOrigin(letter)
    const topic = from === null ? null : topicCalled(from.topic, desk)
    if (from === null || topic === null || letter.key === null) continue
    if (!onlyNewestCounts(topic, letter.stage)) continue
    const place = `${from.topic}:${from.partition}`
    const known = places.get(place)
    const earlier = known === undefined || from.offset < known.from.offset ? from : known.from
    places.set(place, { from: earlier, letters: [...(known?.letters ?? []), letter] })
  }
  const newer = new Map<string, Origin>()
  for (const place of places.values()) await findNewerIn(place, newer, desk)
  return newer
}

async function findNewerIn(
  { from, letters }: { readonly from: Origin; readonly letters: readonly Letter[] },
  newer: Map<string, Origin>,
  desk: Desk,
): Promise<void> {
  const waiting = new Map<string, Letter[]>()
  for (const letter of letters) {
    const key = String(letter.key)
    waiting.set(key, [...(waiting.get(key) ?? []), letter])
  }
  const { topic, partition } = from
  await desk.reader.read({ topic, partition, from: from.offset + 1 }, (records) => {
    for (const { key, offset, headers } of records) {
      if (key === null || isReplay(headers)) continue
      for (const letter of waiting.get(String(key)) ?? []) {
        const first = firstOrigin(letter)
        if (first !== null && offset > first.offset) {
          newer.set(letter.id, { topic, partition, offset })
        }
      }
    }
  })
}
