// Waits until a group of consumers has heard everything that was said so far. Topics hold more offsets than records
// (marks of transactions), so what counts is the last record, not the end.
import { setTimeout as pause } from 'node:timers/promises'
import { DependencyError } from '../../services/runtime/errors'
import type { Parts } from './parts'

export interface Listeners {
  readonly groupId: string
  /** For people: which service that is. */
  readonly service: string
  /** Names on the broker. */
  readonly topics: readonly string[]
}

/** The end of every partition of some topics, by `topic:partition`. */
export type Ends = ReadonlyMap<string, number>

const pollMs = 100
/** Without any progress. */
const patienceMs = 600_000

export async function endsOf(
  { admin }: Pick<Parts, 'admin'>,
  topics: readonly string[],
): Promise<Ends> {
  const ends = new Map<string, number>()
  for (const topic of topics) {
    for (const { partition, high } of await admin.bounds(topic)) {
      ends.set(`${topic}:${partition}`, high)
    }
  }
  return ends
}

/**
 * @returns the ends up to which everything was heard
 * @throws DependencyError when the service makes no progress for ten minutes
 */
export async function untilHeard(parts: Parts, listeners: Listeners): Promise<Ends> {
  const ends = await endsOf(parts, listeners.topics)
  for (const topic of listeners.topics) {
    const before = await positionsOf(parts, listeners.groupId, topic)
    for (const [place, high] of ends) {
      const cut = place.lastIndexOf(':')
      if (place.slice(0, cut) !== topic) continue
      const partition = Number(place.slice(cut + 1))
      const from = before.get(partition) ?? 0
      const wanted = await afterLastRecord(parts, { topic, partition, from, to: high })
      await untilPosition(parts, listeners, { topic, partition, wanted })
    }
  }
  return ends
}

async function positionsOf(
  { admin }: Parts,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const committed = await admin.committed(groupId, topic)
  return new Map(committed.map(({ partition, offset }) => [partition, Math.max(0, offset)]))
}

interface Stretch {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** @returns the offset after the last record of a stretch; its beginning where it holds none */
async function afterLastRecord({ reader }: Parts, { from, to, ...at }: Stretch): Promise<number> {
  let last = from
  let next = from
  const givenUpAt = performance.now() + patienceMs
  while (next < to) {
    const reached = await reader.read({ ...at, from: next, to }, (records) => {
      last = (records.at(-1)?.offset ?? last - 1) + 1
    })
    // Up to here is committed; what follows belongs to a transaction that is still open.
    if (reached <= next) await pause(pollMs)
    next = Math.max(next, reached)
    if (performance.now() > givenUpAt) {
      throw new DependencyError('kafka', `a transaction stays open on ${at.topic}-${at.partition}`)
    }
  }
  return last
}

interface Goal {
  readonly topic: string
  readonly partition: number
  readonly wanted: number
}

async function untilPosition(
  parts: Parts,
  { groupId, service }: Listeners,
  { topic, partition, wanted }: Goal,
): Promise<void> {
  let seen = -1
  let movedAt = performance.now()
  for (;;) {
    const position = (await positionsOf(parts, groupId, topic)).get(partition) ?? 0
    if (position >= wanted) return
    if (position > seen) movedAt = performance.now()
    seen = position
    if (performance.now() - movedAt > patienceMs) {
      const where = `${topic}-${partition} stands at ${position}, ${wanted} is wanted`
      throw new DependencyError(service, `makes no progress (${where}); is it running?`)
    }
    await pause(pollMs)
  }
}
