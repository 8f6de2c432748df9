// A throw-away installation on the test broker: its own prefix for topics, subjects and groups, provisioned as
// a deployment would, with a way to write inputs and to watch outputs.
import { randomBytes } from 'node:crypto'
import { partitionOf } from '../../services/core/partition'
import { isReject } from '../../services/core/reject'
import { deadLettersTopic, topics, type Topic, type ValueOf } from '../../services/core/topics'
import {
  connectRegistry,
  type RecordCodec,
  type SchemaDirectory,
} from '../../services/runtime/codec'
import {
  createKafka,
  type IncomingRecord,
  type KafkaClient,
  type OutgoingRecord,
} from '../../services/runtime/kafka'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import type { Consumer } from '../../services/runtime/kafka-consumer'
import type { Producer } from '../../services/runtime/kafka-producer'
import { createLogger } from '../../services/runtime/logger'
import { provision } from '../../services/runtime/provision'
import { retry } from '../../services/runtime/retry'

export interface BrokerAddress {
  readonly brokers: readonly string[]
  readonly registryUrl: string
}

export interface Watched<Value> {
  /** Everything seen so far, in the order of each partition. */
  readonly records: { readonly record: IncomingRecord; readonly value: Value }[]
}

export class TestBroker {
  readonly prefix = `test-${randomBytes(4).toString('hex')}-`
  readonly partitions = 4
  readonly kafka: KafkaClient
  readonly registry: SchemaDirectory
  readonly #address: BrokerAddress
  readonly #consumers: Consumer[] = []
  #admin: KafkaAdmin | null = null
  #producer: Producer | null = null

  constructor(address: BrokerAddress) {
    this.#address = address
    const logger = createLogger('test', 'silent')
    this.kafka = createKafka({ brokers: address.brokers, clientId: 'test', logger })
    this.registry = connectRegistry(address.registryUrl, this.prefix)
  }

  async open(): Promise<this> {
    const { prefix, partitions, registry } = this
    const admin = await this.admin()
    await provision({ admin, registry, prefix, partitions })
    // A broker that is busy takes its time to lead what it has made.
    const names = [...Object.values(topics), deadLettersTopic].map(({ name }) => prefix + name)
    await retry(() => Promise.all(names.map((name) => admin.bounds(name))), {
      health: { well: () => undefined, unwell: () => undefined },
      ...{ maxPauseMs: 200, attempts: 100 },
    })
    return this
  }

  async admin(): Promise<KafkaAdmin> {
    return (this.#admin ??= await this.kafka.connectAdmin())
  }

  /** What a service needs to find this installation. */
  environment(): Record<string, string> {
    const { brokers, registryUrl } = this.#address
    return {
      KAFKA_BROKERS: brokers.join(','),
      REGISTRY_URL: registryUrl,
      TOPIC_PREFIX: this.prefix,
    }
  }

  async write<T extends Topic>(
    topic: T,
    entries: readonly (readonly [key: string, value: ValueOf<T>])[],
  ): Promise<void> {
    const codec: RecordCodec<ValueOf<T>> = await this.registry.topicCodec(topic)
    await this.writeRaw(
      entries.map(([key, value]) => ({
        topic: this.prefix + topic.name,
        partition: partitionOf(Buffer.from(key), this.partitions),
        key,
        value: codec.encode(value),
      })),
    )
  }

  async writeRaw(records: readonly OutgoingRecord[]): Promise<void> {
    this.#producer ??= await this.kafka.connectProducer()
    await this.#producer.send(records)
  }

  /** Reads a topic from its beginning, for as long as the broker is open. */
  async watch<T extends Topic>(topic: T): Promise<Watched<ValueOf<T>>> {
    const codec: RecordCodec<ValueOf<T>> = await this.registry.topicCodec(topic)
    const watched: Watched<ValueOf<T>> = { records: [] }
    await this.watchRaw(topic.name, async (records) => {
      await codec.learn(records.map(({ value }) => value))
      for (const record of records) {
        if (record.value === null) continue
        const value = codec.decode(record.value)
        if (isReject(value)) throw new Error(value.detail)
        watched.records.push({ record, value })
      }
    })
    return watched
  }

  async watchDeadLetters(): Promise<IncomingRecord[]> {
    const letters: IncomingRecord[] = []
    await this.watchRaw(deadLettersTopic.name, (records) => {
      letters.push(...records)
    })
    return letters
  }

  async watchRaw(
    topicName: string,
    hear: (records: readonly IncomingRecord[]) => Promise<void> | void,
  ): Promise<void> {
    const consumer = await this.kafka.runConsumer({
      groupId: `${this.prefix}watch-${randomBytes(4).toString('hex')}`,
      topics: [this.prefix + topicName],
      onAssigned: () => undefined,
      onBatch: ({ records }) => hear(records),
      onCrash: (error) => {
        throw error
      },
    })
    this.#consumers.push(consumer)
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close()))
    await this.#producer?.close()
    await this.#admin?.close()
  }
}
