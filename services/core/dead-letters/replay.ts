// Sending a dead letter through its own topic again. The bytes are the original ones; two headers say that it is a
// replay and whose: the stage that refused it takes it, all others have had the record and pass over it. That is
// what makes a topic with several readers the same door for each of them.
import { touchpointKey } from '../identity/node'
import { partitionOf } from '../partition'
import type { Order, Touchpoint } from '../records'
import { deadLetterHeaders, replayHeaders, topics, type Topic } from '../topics'
import { originOfId, type Letter, type Origin } from './letter'

type Headers = Readonly<Record<string, string>>

const ofTheLetter: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders))

/** The headers of a replay: those the record came with, and whose replay it is. */
export function headersOfReplay(letter: Letter): Record<string, string> {
  const original = Object.entries(letter.headers).filter(([name]) => !ofTheLetter.has(name))
  return {
    ...Object.fromEntries(original),
    [replayHeaders.of]: letter.replayOf ?? letter.id,
    [replayHeaders.for]: letter.stage,
  }
}

/** True for a replay that another stage or service had asked for. */
export function isForAnother(headers: Headers, stage: string): boolean {
  const wanted = headers[replayHeaders.for]
  return wanted !== undefined && wanted !== stage
}

export function isReplay(headers: Headers): boolean {
  return headers[replayHeaders.for] !== undefined
}

/**
 * Whether a letter is worth replaying only while nothing newer with its key is in its topic. An old record would take
 * the place of the newer one in a compacted topic; and the ERP must get what an order is now, not what it was.
 */
export function onlyNewestCounts(topic: Topic, stage: string): boolean {
  return topic.cleanup === 'compact' || (topic === topics.attributedOrders && stage === 'erp-sink')
}

/** Where the search for newer records begins: at the first letter of the record. */
export function firstOrigin({ replayOf, origin }: Letter): Origin | null {
  const first = replayOf === null ? null : originOfId(replayOf)
  return first ?? origin
}

/**
 * The partition to replay into: that of the origin, wherever a foreign partitioner has put the record; only what was
 * refused for standing in a foreign partition goes home.
 */
export function homePartition(
  topic: Topic,
  value: unknown,
  { origin, partitions }: { readonly origin: Origin; readonly partitions: number },
): number {
  if (topic === topics.orders) {
    return partitionOf((value as Order).order_key, partitions)
  }
  if (topic === topics.touchpoints) {
    return partitionOf(touchpointKey(value as Touchpoint), partitions)
  }
  return origin.partition
}
