// Follows one topic-partition from a given position without a gap.
import type { Batch, Consumer, HiddenOffsets, TopicPartition } from '../runtime/kafka-consumer'
import type { IncomingRecord } from '../runtime/kafka'

export class TopicReading {
  private readonly from: TopicPartition
  private next: number
  private gapEnd: number | null = null

  /** @param from where to begin */
  constructor(from: TopicPartition & { readonly start: number }) {
    this.from = from
    this.next = from.start
  }

  /**
   * The records of a batch, none of them twice. Null when something lies between: a batch fetched before the position
   * was set has moved it on, or only transaction markers did. Reading again from where we stand tells: the
   * second comes out the same.
   */
  take(batch: Batch, consumer: Consumer): readonly IncomingRecord[] | null {
    if (this.readsAgain(batch.fetchedOffset, consumer)) return null
    const records = batch.records.filter(({ offset }) => offset >= this.next)
    this.next = Math.max(this.next, batch.lastOffset + 1)
    return records
  }

  /** Whether offsets at which there is nothing to read follow on what was taken, and are therefore passed. */
  pass({ first, last }: HiddenOffsets, consumer: Consumer): boolean {
    if (this.readsAgain(first, consumer)) return false
    this.next = Math.max(this.next, last + 1)
    return true
  }

  private readsAgain(offset: number, consumer: Consumer): boolean {
    if (offset <= this.next || this.gapEnd === offset) return false
    this.gapEnd = offset
    const { topic, partition } = this.from
    consumer.seek({ topic, partition, offset: this.next })
    return true
  }
}
