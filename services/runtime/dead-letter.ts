// A dead letter: the original bytes, with headers that say where they came from and why they were refused.
import type { Reject } from '../core/reject'
import { deadLetterHeaders, deadLettersTopic } from '../core/topics'
import type { IncomingRecord, OutgoingRecord } from './kafka-records'

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
