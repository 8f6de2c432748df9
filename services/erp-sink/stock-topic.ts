// The topic stock-levels: what was published last, whoever published it, and what is to be published next.
import { noteLevel, stockLevelKey, type KnownLevels } from '../core/stock/stock-changes'
import { isReject } from '../core/reject'
import type { StockLevel } from '../core/records'
import { topics } from '../core/topics'
import type { RecordCodec } from '../runtime/codec'
import type { KafkaClient } from '../runtime/kafka'
import type { IncomingRecord } from '../runtime/kafka'
import type { CoalescingProducer } from '../runtime/kafka-coalescing'

export interface StockTopic {
  /** Reads what was published since it was asked last; from the beginning at first. @throws DependencyError */
  catchUp(): Promise<KnownLevels>
  /** Resolves once Kafka has all of it. @throws DependencyError */
  publish(levels: readonly StockLevel[]): Promise<void>
}

export interface StockTopicOptions {
  readonly kafka: Pick<KafkaClient, 'connectReader'>
  readonly producer: Pick<CoalescingProducer, 'send'>
  readonly codec: RecordCodec<StockLevel>
  readonly prefix: string
}

/** Its only one. */
const partition = 0
/** Of one send, well below the producer's queue. */
const sendLevelsMax = 500

export function createStockTopic(options: StockTopicOptions): StockTopic {
  const { kafka, producer, codec, prefix } = options
  const topic = prefix + topics.stockLevels.name
  const known: KnownLevels = new Map()
  let next = 0

  const note = async (records: readonly IncomingRecord[]): Promise<void> => {
    await codec.learn(records.map(({ value }) => value))
    for (const { value } of records) {
      const level = value === null ? null : codec.decode(value)
      // What cannot be decoded the clickhouse-writer buries; here it is as if it had never been said.
      if (level !== null && !isReject(level)) noteLevel(known, level)
    }
  }
  return {
    catchUp: async () => {
      // Connected anew each time: a round is rare, and a connection may be cut meanwhile.
      const reader = await kafka.connectReader()
      try {
        const records: IncomingRecord[] = []
        const hear = (heard: readonly IncomingRecord[]): void => {
          records.push(...heard)
        }
        let end = await reader.read({ topic, partition, from: next }, hear)
        if (end < next) {
          // Another topic of the same name.
          known.clear()
          end = await reader.read({ topic, partition, from: 0 }, hear)
        }
        await note(records)
        next = end
        return known
      } finally {
        await reader.close()
      }
    },
    publish: async (levels) => {
      for (let start = 0; start < levels.length; start += sendLevelsMax) {
        const part = levels.slice(start, start + sendLevelsMax)
        await producer.send(
          part.map((level) => ({
            ...{ topic, partition, key: stockLevelKey(level), value: codec.encode(level) },
          })),
        )
      }
    },
  }
}
