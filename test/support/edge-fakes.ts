// What stands behind an edge in its tests: a producer that remembers what it was given and does as it is told.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import type { IdentifierTools } from '../../services/core/edge/identifiers-from'
import type { RecordName, Records } from '../../services/core/records'
import { createEdgeServer, type Listener } from '../../services/runtime/answer'
import { localCodec } from '../../services/runtime/codec'
import { DependencyError } from '../../services/runtime/errors'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { createHealth, type Health } from '../../services/runtime/health'
import { createIntake, type Intake } from '../../services/runtime/intake'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import type { Logger } from '../../services/runtime/logger'
import { createMetrics, type Metrics } from '../../services/runtime/metrics'
import { createPhoneReader } from '../../services/runtime/read-phone'

export interface FakeProducer {
  /** acknowledges at once, refuses, or lets callers wait for `release`. */
  mode: 'acknowledge' | 'refuse' | 'hold'
  readonly sends: (readonly OutgoingRecord[])[]
  readonly release: () => void
  readonly send: (records: readonly OutgoingRecord[]) => Promise<void>
  readonly queuedBytes: () => number
}

export function createFakeProducer(): FakeProducer {
  const held: (() => void)[] = []
  const producer: FakeProducer = {
    mode: 'acknowledge',
    sends: [],
    release: () => {
      for (const resolve of held.splice(0)) resolve()
    },
    send: (records) => {
      if (producer.mode === 'refuse') {
        return Promise.reject(new DependencyError('kafka', 'no leader'))
      }
      producer.sends.push(records)
      return producer.mode === 'acknowledge'
        ? Promise.resolve()
        : new Promise((resolve) => held.push(resolve))
    },
    queuedBytes: () => 0,
  }
  return producer
}

export interface EdgeBench<Name extends RecordName> {
  readonly producer: FakeProducer
  readonly intake: Intake<Records[Name]>
  readonly health: Health
  readonly metrics: Metrics
  readonly logger: Logger
  /** Everything logged, as text. */
  readonly logged: () => string
  /** The records Kafka was given, read back from their bytes. */
  readonly records: () => Records[Name][]
}

export function createEdgeBench<Name extends RecordName>(
  record: Name,
  keyOf: (value: Records[Name]) => string,
): EdgeBench<Name> {
  const producer = createFakeProducer()
  const metrics = createMetrics('bench')
  const health = createHealth(() => undefined)
  health.started()
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) })
  const codec = localCodec(record)
  const intake = createIntake({
    topic: 'bench',
    partitions: 4,
    keyOf,
    codec,
    producer,
    timeoutMs: 200,
    health,
    metrics,
  })
  return {
    producer,
    intake,
    health,
    metrics,
    logger,
    logged: () => lines.join(''),
    records: () => producer.sends.flat().map(({ value }) => codec.decode(value) as Records[Name]),
  }
}

export const hashKey = Buffer.alloc(32, 7)

export const identifierTools: IdentifierTools = {
  hash: createIdentifierHash(hashKey),
  phone: createPhoneReader('CN'),
}

export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly server: Server
  readonly close: () => Promise<void>
}

/** A listener on a free port of this machine. */
export async function serve(listener: Listener): Promise<RunningServer> {
  const limits = {
    headerBytesMax: 16_384,
    requestTimeoutMs: 10_000,
    keepAliveMs: 5_000,
    connectionsMax: 100,
  }
  const server = createEdgeServer(listener, limits)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
