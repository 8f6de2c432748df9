// One narrow row for every record read from touchpoints and orders: what the ledger compares the other stations
// with, and what tells which record is missing where.
import { orderStatuses, type OrderStatus } from '../identity/newest-snapshot'
import type { Order, Touchpoint } from '../records'
import { precedenceOf } from '../touchpoint-precedence'
import {
  coordinateColumns,
  timeFault,
  timeText,
  type Coordinates,
  type Row,
} from '../warehouse/row'
import { stampFrom } from './edge-stamp'
import {
  minuteOf,
  orderInLedger,
  touchpointInLedger,
  type LedgerKind,
  type LedgerRecord,
} from './tally'

export const topicRecordsTable = 'topic_records'

/** Where a record was read, and the headers it carries. */
export interface ReadAt extends Coordinates {
  readonly headers: Readonly<Record<string, string>>
}

/** Of touchpoints with one (source, id) the highest precedence counts, as everywhere. Null: cannot be decoded. */
export function touchpointTopicRow(touchpoint: Touchpoint | null, at: ReadAt): Row {
  if (touchpoint === null || timeFault({ accepted_at: touchpoint.accepted_at }) !== null) {
    return unreadable('touchpoint', at)
  }
  return topicRow(touchpointInLedger(touchpoint), at, {
    precedence: String(precedenceOf(touchpoint)),
    tie: 0,
    named: touchpoint.identifiers.length > 0,
  })
}

/** Of snapshots of one order the highest (precedence, tie) is the newest; equal ones may differ in content. */
export function orderTopicRow(order: Order | null, at: ReadAt): Row {
  if (order === null) return unreadable('order', at)
  const { accepted_at, updated_at, refunded_minor } = order
  if (timeFault({ accepted_at, updated_at }) !== null) return unreadable('order', at)
  const rank = orderStatuses.indexOf(order.status as OrderStatus) + 1
  return topicRow(orderInLedger(order), at, {
    precedence: updated_at * 8 + rank,
    tie: refunded_minor,
    named: true,
  })
}

/** Stands for a record that says nothing of itself, so that no gap is seen in its place. */
function unreadable(kind: LedgerKind, at: ReadAt): Row {
  const nobody = { kind, source: '', id: '', acceptedAt: at.timestampMs }
  return topicRow(nobody, at, { precedence: 0, tie: 0, named: false })
}

function topicRow(record: LedgerRecord, at: ReadAt, rest: Row): Row {
  const stamp = stampFrom(at.headers)
  return {
    kind: record.kind,
    source: record.source,
    id: record.id,
    minute: minuteOf(record.acceptedAt) / 1_000,
    accepted_at: timeText(record.acceptedAt),
    boot: stamp?.boot ?? '',
    sequence: stamp?.sequence ?? 0,
    ...rest,
    ...coordinateColumns(at),
  }
}
