// A dead letter: the original bytes, with headers that say where they came from and why they were refused.
import { rejectReasons, type Reject } from '../core/reject'
import { deadLetterHeaders, deadLettersTopic } from '../core/topics'
import type { IncomingRecord, OutgoingRecord } from './kafka-records'
import type { Metrics } from './metrics'

/** An ERP may say a lot; a record's headers count towards its size. */
const detailLengthMax = 4_000

/** @param prefix goes before every topic's name, as everywhere */
export function deadLetter(
  record: IncomingRecord,
  { rejected, detail }: Reject,
  { stage, prefix }: { stage: string; prefix: string },
): OutgoingRecord {
  return {
    topic: prefix + deadLettersTopic.name,
    partition: 0,
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      [deadLetterHeaders.topic]: record.topic,
      [deadLetterHeaders.partition]: String(record.partition),
      [deadLetterHeaders.offset]: String(record.offset),
      [deadLetterHeaders.stage]: stage,
      [deadLetterHeaders.reason]: rejected,
      [deadLetterHeaders.detail]: detail.slice(0, detailLengthMax),
    },
  }
}

/**
 * Counts dead letters that Kafka has, by stage and reason. Every stage and reason begins at 0: an alarm sees the first
 * letter as a rise, where a series that begins with 1 would look as if nothing had happened.
 * @returns what counts the letters among some records
 */
export function countDeadLetters(
  metrics: Metrics,
  stages: readonly string[],
): (records: readonly OutgoingRecord[]) => void {
  const labels = ['stage', 'reason'] as const
  const counter = metrics.counter('dead_letters_total', 'Records given up, by reason', labels)
  for (const stage of stages) {
    for (const reason of rejectReasons) counter.inc({ stage, reason }, 0)
  }
  return (records) => {
    for (const { headers = {} } of records) {
      const reason = headers[deadLetterHeaders.reason]
      const stage = headers[deadLetterHeaders.stage] ?? ''
      if (reason !== undefined) counter.inc({ stage, reason })
    }
  }
}
