// A topic of its own on the test broker, reached directly and through a proxy that fails on demand.
import { randomBytes } from 'node:crypto'
import { startFaultProxy, type FaultProxy } from '../../infra/local/fault-proxy'
import { createKafka, type KafkaClient } from '../../services/runtime/kafka'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import type { Consumer, ConsumerOptions } from '../../services/runtime/kafka-consumer'
import type { OutgoingRecord } from '../../services/runtime/kafka-records'
import { createLogger } from '../../services/runtime/logger'
import { stackFromEnvironment } from './stack'
import { until } from './until'

export class FaultyKafka {
  readonly proxy: FaultProxy
  readonly topic = `faulty-${randomBytes(4).toString('hex')}`
  /** Through the proxy. */
  readonly kafka: KafkaClient
  readonly direct: KafkaClient
  readonly admin: KafkaAdmin
  /** What the guards of the faulty client did, in order. */
  readonly guards: string[]
  readonly #releases: (() => Promise<void>)[] = []

  private constructor(proxy: FaultProxy, direct: KafkaClient, admin: KafkaAdmin) {
    this.proxy = proxy
    this.direct = direct
    this.admin = admin
    this.guards = []
    this.kafka = clientOf(proxy.address, this.guards)
  }

  static async open(partitions = 1): Promise<FaultyKafka> {
    const { host, port } = brokerAddress()
    const proxy = await startFaultProxy({ upstream: { host, port }, protocol: 'kafka' })
    const direct = clientOf(`${host}:${port}`)
    const faulty = new FaultyKafka(proxy, direct, await direct.connectAdmin())
    await faulty.admin.createTopics([{ name: faulty.topic, partitions, configuration: {} }])
    return faulty
  }

  record(value: string, partition = 0): OutgoingRecord {
    return { topic: this.topic, partition, key: null, value: Buffer.from(value) }
  }

  /** Closes what a test has opened, when it ends. */
  closing<T extends { close(): Promise<void> }>(one: T): T {
    this.#releases.push(() => one.close())
    return one
  }

  async consume(options: Partial<ConsumerOptions>): Promise<Consumer> {
    return this.closing(
      await this.kafka.runConsumer({
        groupId: this.topic,
        topics: [this.topic],
        onAssigned: () => undefined,
        onBatch: () => undefined,
        onCrash: (error) => {
          throw error
        },
        ...options,
      }),
    )
  }

  /** Everything committed so far, asked of the broker itself. */
  async contents(partition = 0): Promise<string[]> {
    const values: string[] = []
    const end = randomBytes(4).toString('hex')
    const producer = this.closing(await this.direct.connectProducer())
    await producer.send([this.record(end, partition)])
    const reader = await this.direct.runConsumer({
      groupId: `${this.topic}-${end}`,
      topics: [this.topic],
      onAssigned: () => undefined,
      onBatch: (batch) => {
        if (batch.partition !== partition) return
        values.push(...batch.records.map(({ value }) => String(value)))
      },
      onCrash: (error) => {
        throw error
      },
    })
    await until(() => values.includes(end))
    await reader.close()
    return values.slice(0, values.indexOf(end))
  }

  async close(): Promise<void> {
    await this.proxy.pass()
    await Promise.all(this.#releases.map((release) => release()))
    await this.admin.close()
    await this.proxy.close()
  }
}

export function brokerAddress(): { readonly host: string; readonly port: number } {
  const [host = '', port = ''] = (stackFromEnvironment().brokers[0] ?? '').split(':')
  return { host, port: Number(port) }
}

/** A client of our own at one address, in whose guards the test is interested. */
export function clientOf(address: string, guards: string[] = []): KafkaClient {
  return createKafka({
    brokers: [address],
    clientId: 'test',
    logger: createLogger('test', process.env['TEST_LOG_LEVEL'] === 'debug' ? 'debug' : 'silent'),
    onGuard: (guard) => guards.push(guard),
  })
}
