// What a consumer is handed: the records of one fetch from one partition, in our own shape.
import type { EachBatchPayload } from 'kafkajs'
import type { IncomingRecord } from './kafka-records'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly IncomingRecord[]
  /** Offset that was asked of the broker. */
  readonly fetchedOffset: number
  /** Offset of the last record, hidden ones included. */
  readonly lastOffset: number
  /** Next offset to be written to the partition when it was fetched. */
  readonly highWatermark: number
}

export function batchOf({ batch }: EachBatchPayload): Batch {
  const { topic, partition } = batch
  return {
    topic,
    partition,
    fetchedOffset: Number((batch as unknown as { fetchedOffset: string }).fetchedOffset),
    lastOffset: Number(batch.lastOffset()),
    highWatermark: Number(batch.highWatermark),
    records: batch.messages.map((message) => ({
      topic,
      partition,
      offset: Number(message.offset),
      key: message.key,
      value: message.value,
      headers: textHeaders(message.headers),
      timestampMs: Number(message.timestamp),
    })),
  }
}

const noHeaders: Readonly<Record<string, string>> = {}

function textHeaders(
  headers: EachBatchPayload['batch']['messages'][number]['headers'],
): Record<string, string> {
  if (headers === undefined) return noHeaders
  const entries = Object.entries(headers)
  if (entries.length === 0) return noHeaders
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}
