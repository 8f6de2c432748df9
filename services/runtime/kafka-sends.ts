// Records as kafkajs is to send them: sorted into partitions, within the bounds of one batch each, and checked when the
// answer comes. Left to sort them itself, kafkajs copies the whole list anew for every message.
import type { Message, RecordMetadata, TopicMessages } from 'kafkajs'
import type { OutgoingRecord } from './kafka-records'

/** A send is one record batch per partition, which the broker bounds: a little below what it allows unless told. */
const batchBytesMax = 900 * 1024
/** Of a record besides key and value. */
const recordBytes = 64

/** One request, or one for each broker. */
interface Send {
  readonly messages: TopicMessages[]
  /** @throws when a partition was not written: it was never sent then, or is there twice, where one request went to its
   * old and another to its new leader */
  assertCovered(answer: readonly RecordMetadata[]): void
  /** Notes the next offset of each `topic:partition` written. */
  noteNextOffsets(next: Map<string, number>, answer: readonly RecordMetadata[]): void
}

/** Splits records into sends, keeping each partition's order. */
export function sendsOf(records: readonly OutgoingRecord[]): Send[] {
  const sends: SortedSend[] = []
  const lanes = new Map<string, Lane>()
  let lane: Lane | undefined
  for (const { topic, partition, key, value, headers } of records) {
    if (lane?.topic !== topic || lane.partition !== partition) {
      const target = targetOf(topic, partition)
      lane = lanes.get(target)
      if (lane === undefined) lanes.set(target, (lane = { topic, partition, send: 0, bytes: 0 }))
    }
    const bytes = (value?.length ?? 0) + (key?.length ?? 0) + recordBytes
    if (lane.bytes > 0 && lane.bytes + bytes > batchBytesMax) {
      lane.send += 1
      lane.bytes = 0
    }
    lane.bytes += bytes
    const send = (sends[lane.send] ??= new SortedSend())
    send.add(
      topic,
      headers === undefined ? { partition, key, value } : { partition, key, value, headers },
    )
  }
  return sends
}

/** Where the records of one partition go to at the moment. */
interface Lane {
  readonly topic: string
  readonly partition: number
  send: number
  bytes: number
}

type PartitionedMessage = Message & { readonly partition: number }

interface TopicLanes {
  readonly messages: PartitionedMessage[]
  readonly byPartition: Record<number, PartitionedMessage[]>
}

class SortedSend implements Send {
  readonly #topics = new Map<string, TopicLanes>()

  /** kafkajs sorts a topic's messages by reducing them, and reduces them for nothing else; these are sorted already. */
  get messages(): TopicMessages[] {
    return [...this.#topics].map(([topic, { messages, byPartition }]) => ({
      topic,
      messages: Object.assign(messages, { reduce: () => byPartition }),
    }))
  }

  add(topic: string, message: PartitionedMessage): void {
    let lanes = this.#topics.get(topic)
    if (lanes === undefined) this.#topics.set(topic, (lanes = { messages: [], byPartition: {} }))
    lanes.messages.push(message)
    ;(lanes.byPartition[message.partition] ??= []).push(message)
  }

  assertCovered(answer: readonly RecordMetadata[]): void {
    const acknowledged = new Set<string>()
    for (const { topicName, partition, errorCode } of answer) {
      const target = targetOf(topicName, partition)
      if (acknowledged.has(target)) throw new Error(`${target} was written twice`)
      if (errorCode === 0) acknowledged.add(target)
    }
    for (const [topic, { byPartition }] of this.#topics) {
      for (const partition of Object.keys(byPartition)) {
        const target = targetOf(topic, Number(partition))
        if (!acknowledged.has(target)) throw new Error(`no acknowledgement for ${target}`)
      }
    }
  }

  noteNextOffsets(next: Map<string, number>, answer: readonly RecordMetadata[]): void {
    for (const { topicName, partition, baseOffset } of answer) {
      const count = this.#topics.get(topicName)?.byPartition[partition]?.length ?? 0
      next.set(targetOf(topicName, partition), Number(baseOffset) + count)
    }
  }
}

function targetOf(topic: string, partition: number): string {
  return `${topic}:${partition}`
}
