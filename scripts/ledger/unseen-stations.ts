// Where the ledger was blind when it looked: a station that has told nothing of late cannot show that something is missing.
import type { Look } from '../../services/runtime/ledger-look'

export interface UnseenStation {
  readonly text: string
  /** It was never heard of: an installation may do without it. The others have stopped. */
  readonly never: boolean
}

const minuteMs = 60_000

/** How much more than the delay a station may be behind, since it tells now and then only. */
const graceMs = {
  accepted: 2 * minuteMs,
  topic: minuteMs,
  attributed: minuteMs,
  erp: 15 * minuteMs,
}

/** The newest complete count begins up to two counts before it is told, and is the newest for one more. */
const roundsBehind = 3

/** @param olderThanMs how long a record may be on its way before it counts as missing */
export function unseenStations(look: Look, olderThanMs: number): UnseenStation[] {
  const { at, marks } = look
  const { countedFrom, roundMs } = marks.census
  const unseen = (seenAt: number, graceOfMs: number, text: string): UnseenStation[] =>
    at - seenAt <= olderThanMs + graceOfMs
      ? []
      : [{ text: text + ago(seenAt), never: seenAt === 0 }]
  const topicAt = Math.min(marks.topicReadUntil('touchpoint'), marks.topicReadUntil('order'))
  return [
    ...unseen(marks.toldAt('touchpoint'), graceMs.accepted, 'accepted: no collector has told'),
    ...unseen(marks.toldAt('order'), graceMs.accepted, 'accepted: no order-gateway has told'),
    ...silentEdges(look),
    // Without the topic nothing can be said of any other station.
    ...unseen(topicAt, graceMs.topic, 'topic: clickhouse-writer has not read it to its end').map(
      (one) => ({ ...one, never: false }),
    ),
    ...unseen(
      countedFrom,
      graceMs.attributed + roundsBehind * roundMs,
      'attributed: stream-processor has not counted its state twice',
    ),
    ...unseen(marks.erpReadAt, graceMs.erp, 'erp: erp-sink has not read it'),
  ]
}

function silentEdges({ onDisk }: Look): UnseenStation[] {
  const records = onDisk
    .filter(({ fault }) => fault === 'silent')
    .reduce((sum, one) => sum + one.records, 0)
  if (records === 0) return []
  const text = `accepted: ${records} records wait on the disk of an edge that does not run: start it`
  return [{ text, never: false }]
}

function ago(seenAt: number): string {
  return seenAt === 0 ? ' yet' : ` since ${new Date(seenAt).toISOString()}`
}
