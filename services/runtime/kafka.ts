// The only door to Kafka: kafkajs 2.2.4, pinned, behind our own shapes, with explicit options everywhere and
// the traps of that version closed. kafkajs types never leave the kafka*.ts files.
import { Kafka, logLevel, type KafkaConfig, type LogEntry, type SASLOptions } from 'kafkajs'
import { asDependency } from './errors'
import { installBrokerGuard } from './kafka-broker-guard'
import { createKafkaAdmin, type KafkaAdmin } from './kafka-admin'
import { clientSockets, type KafkaGuard, type OneClient, type OpenClient } from './kafka-client'
import { runKafkaConsumer, type Consumer, type ConsumerOptions } from './kafka-consumer'
import { installFetchGuards } from './kafka-fetch'
import {
  connectPlainProducer,
  connectTransactionalProducer,
  type Producer,
  type TransactionalProducer,
  type TransactionalProducerOptions,
} from './kafka-producer'
import { installProduceEncoder } from './kafka-produce'
import { connectReader, type KafkaReader } from './kafka-reader'
import type { Logger } from './logger'

export type { IncomingRecord, OutgoingRecord } from './kafka-records'

interface KafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly logger: Logger
  /** Neither encrypted nor logged in when not given. */
  readonly security?: KafkaSecurity
  /** Told whenever a guard around kafkajs had to act. */
  readonly onGuard?: (guard: KafkaGuard) => void
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
  connectProducer(options?: ProducerOptions): Promise<Producer>
  connectTransactionalProducer(
    options: TransactionalProducerOptions,
  ): Promise<TransactionalProducer>
  runConsumer(options: ConsumerOptions): Promise<Consumer>
  connectAdmin(): Promise<KafkaAdmin>
  /** For commands that read a topic to its end. */
  connectReader(): Promise<KafkaReader>
}

export interface ProducerOptions {
  /** Longest wait for one answer of the broker. */
  readonly requestMs: number
  readonly retries: number
  /** How many records a producer may send before it is replaced. */
  readonly recordsMax?: number
}

/**
 * @throws DependencyError (from the connecting functions) when no broker answers
 */
export function createKafka(options: KafkaOptions): KafkaClient {
  installFetchGuards()
  installBrokerGuard()
  installProduceEncoder()
  const client = (requestMs: number, retries: number): OneClient =>
    openClient(options, { requestMs, retries })
  const opener =
    (requestMs: number, retries: number): OpenClient =>
    () =>
      client(requestMs, retries)
  return {
    connectProducer: ({ requestMs, retries, recordsMax } = { requestMs: 10_000, retries: 5 }) =>
      asDependency('kafka', () => connectPlainProducer(opener(requestMs, retries), recordsMax)),
    connectTransactionalProducer: (transactional) =>
      asDependency('kafka', () => connectTransactionalProducer(opener(10_000, 8), transactional)),
    // Not longer than a session: on a broken connection the heartbeats fail as well.
    runConsumer: (consumer) =>
      asDependency('kafka', () => runKafkaConsumer(client(10_000, 8), consumer)),
    connectAdmin: () => asDependency('kafka', () => createKafkaAdmin(client(10_000, 5))),
    connectReader: () => asDependency('kafka', () => connectReader(client(10_000, 5).kafka)),
  }
}

function openClient(
  { brokers, clientId, logger, security, onGuard = () => undefined }: KafkaOptions,
  { requestMs, retries }: { readonly requestMs: number; readonly retries: number },
): OneClient {
  const sockets = clientSockets()
  const kafka = new Kafka({
    clientId,
    brokers: [...brokers],
    ...kafkajsSecurity(security),
    socketFactory: sockets.open,
    connectionTimeout: 3_000,
    requestTimeout: requestMs,
    // 15 ms: right after a commit the broker answers CONCURRENT_TRANSACTIONS for a moment.
    retry: { initialRetryTime: 15, maxRetryTime: 5_000, retries },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      log(logger, entry)
    },
  })
  return { kafka, sockets, acted: onGuard }
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
