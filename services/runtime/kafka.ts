// The only door to Kafka: kafkajs 2.2.4, pinned, behind our own shapes, with explicit options everywhere and
// the traps of that version closed. kafkajs types never leave the kafka*.ts files.
import { Kafka, logLevel, type KafkaConfig, type LogEntry, type SASLOptions } from 'kafkajs'
import { asDependency } from './errors'
import { installAbortedFilter } from './kafka-aborted-filter'
import { createKafkaAdmin, type KafkaAdmin } from './kafka-admin'
import { runKafkaConsumer, type Consumer, type ConsumerOptions } from './kafka-consumer'
import {
  connectPlainProducer,
  connectTransactionalProducer,
  type Producer,
  type TransactionalProducer,
  type TransactionalProducerOptions,
} from './kafka-producer'
import { connectReader, type KafkaReader } from './kafka-reader'
import type { Logger } from './logger'

export type { IncomingRecord, OutgoingRecord } from './kafka-records'

export interface KafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly logger: Logger
  /** Neither encrypted nor logged in when not given. */
  readonly security?: KafkaSecurity
}

export interface KafkaSecurity {
  /** Null for plain connections; texts are PEM. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  } | null
}

export interface KafkaClient {
  /** Idempotent, acknowledged by all replicas; replaced by a fresh one after a failed send. */
  connectProducer(timeouts?: ProducerTimeouts): Promise<Producer>
  connectTransactionalProducer(
    options: TransactionalProducerOptions,
  ): Promise<TransactionalProducer>
  runConsumer(options: ConsumerOptions): Promise<Consumer>
  connectAdmin(): Promise<KafkaAdmin>
  /** For commands that read a topic to its end. */
  connectReader(): Promise<KafkaReader>
}

export interface ProducerTimeouts {
  /** Longest wait for one answer of the broker. */
  readonly requestMs: number
  readonly retries: number
}

/**
 * @throws DependencyError (from the connecting functions) when no broker answers
 */
export function createKafka({ brokers, clientId, logger, security }: KafkaOptions): KafkaClient {
  installAbortedFilter()
  const client = (requestMs: number, retries: number): Kafka =>
    new Kafka({
      clientId,
      brokers: [...brokers],
      ...kafkajsSecurity(security),
      connectionTimeout: 3_000,
      requestTimeout: requestMs,
      // 15 ms: right after a commit the broker answers CONCURRENT_TRANSACTIONS for a moment.
      retry: { initialRetryTime: 15, maxRetryTime: 5_000, retries },
      logLevel: logLevel.WARN,
      logCreator: () => (entry) => {
        log(logger, entry)
      },
    })
  return {
    connectProducer: (timeouts = { requestMs: 10_000, retries: 5 }) =>
      asDependency('kafka', () =>
        connectPlainProducer(client(timeouts.requestMs, timeouts.retries)),
      ),
    connectTransactionalProducer: (options) =>
      asDependency('kafka', () => connectTransactionalProducer(client(10_000, 8), options)),
    runConsumer: (options) =>
      asDependency('kafka', () => runKafkaConsumer(client(30_000, 8), options)),
    connectAdmin: () => asDependency('kafka', () => createKafkaAdmin(client(10_000, 5))),
    connectReader: () => asDependency('kafka', () => connectReader(client(10_000, 5))),
  }
}

function kafkajsSecurity({ tls, sasl }: KafkaSecurity = { tls: null, sasl: null }): {
  ssl?: NonNullable<KafkaConfig['ssl']>
  sasl?: SASLOptions
} {
  return {
    ...(tls === null ? {} : { ssl: { ...tls, minVersion: 'TLSv1.2' } }),
    ...(sasl === null ? {} : { sasl }),
  }
}

/** kafkajs reports as errors what it then retries, answer by answer; what it gives up on reaches us as an
 * exception or a crash event. So its words are for debugging, but for a consumer's that starts over. */
function log(logger: Logger, { level, namespace, log: entry }: LogEntry): void {
  const fields = { part: `kafkajs ${namespace}`, reason: entry['error'] as unknown }
  if (level === logLevel.ERROR && namespace.startsWith('Consumer')) {
    logger.warn(fields, entry.message)
  } else logger.debug(fields, entry.message)
}
