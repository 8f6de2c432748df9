// Writes what became of documents to erp-deliveries, and refused ones to the dead letters.
import type { Reject } from '../core/reject'
import type { ErpDelivery } from '../core/records'
import { topics } from '../core/topics'
import type { RecordCodec } from '../runtime/codec'
import { deadLetter } from '../runtime/dead-letter'
import type { Health } from '../runtime/health'
import type { IncomingRecord, OutgoingRecord } from '../runtime/kafka'
import type { CoalescingProducer } from '../runtime/kafka-coalescing'
import { retry } from '../runtime/retry'

export interface DeliveryLog {
  /** Resolves once Kafka has all of it. Outcomes of one partition keep their order. */
  write(
    partition: number,
    deliveries: readonly ErpDelivery[],
    letters?: readonly OutgoingRecord[],
  ): Promise<void>
  bury(record: IncomingRecord, why: Reject): OutgoingRecord
}

export function createDeliveryLog(options: {
  readonly producer: CoalescingProducer
  readonly codec: RecordCodec<ErpDelivery>
  readonly prefix: string
  /** Told of letters that Kafka has. */
  readonly buried: (letters: readonly OutgoingRecord[]) => void
  readonly health: Health
  readonly goOn: () => boolean
}): DeliveryLog {
  const { producer, codec, prefix, buried, health, goOn } = options
  return {
    write: async (partition, deliveries, letters = []) => {
      const records = deliveries.map((delivery) => ({
        topic: prefix + topics.erpDeliveries.name,
        partition,
        key: delivery.document_key,
        value: codec.encode(delivery),
      }))
      await retry(() => producer.send([...letters, ...records]), { health, goOn })
      buried(letters)
    },
    bury: (record, why) => deadLetter(record, why, { stage: 'erp-sink', prefix }),
  }
}
