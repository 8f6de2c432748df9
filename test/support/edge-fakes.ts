// What stands behind an edge in its tests: a producer that remembers what it was given and does as it is told.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import type { IdentifierTools } from '../../services/core/edge/identifiers-from'
import type { RecordName, Records } from '../../services/core/records'
import type { Listener } from '../../services/runtime/answer'
import { localCodec } from '../../services/runtime/codec'
import {
  createEdgeGuard,
  type EdgeGuard,
  type EdgeGuardSettings,
} from '../../services/runtime/edge-guard'
import { createEdgeServer } from '../../services/runtime/edge-server'
import { DependencyError } from '../../services/runtime/errors'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { createHealth, type Health } from '../../services/runtime/health'
import { createIntake, type Intake } from '../../services/runtime/intake'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import type { Logger } from '../../services/runtime/logger'
import { createMetrics, type Metrics } from '../../services/runtime/metrics'
import { createOutlet } from '../../services/runtime/outlet'
import { createPhoneReader } from '../../services/runtime/read-phone'
import type { Spool } from '../../services/runtime/spool'

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

/** A spool that is always full, so that what a client hears is what Kafka said. */
const noRoom: Pick<Spool, 'append' | 'oldest'> = {
  append: () => Promise.reject(new DependencyError('spool', 'full')),
  oldest: () => Promise.resolve(null),
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
  const intake = createIntake<Records[Name]>({
    recordOf: (value) => ({ key: keyOf(value), value: codec.encode(value), schema: 'bench' }),
    outlet: createOutlet({
      producer,
      destinationOf: () => Promise.resolve({ topic: 'bench', partitions: 4, schemaId: 1 }),
    }),
    spool: noRoom,
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

/** Limits that no test meets by accident. */
const guardSettings: EdgeGuardSettings = {
  BODY_BYTES_MAX: 100_000,
  BODIES_BYTES_MAX: 10_000_000,
  HEADER_BYTES_MAX: 16_384,
  REQUEST_TIMEOUT_MS: 10_000,
  KEEP_ALIVE_MS: 5_000,
  CONNECTIONS_MAX: 100,
  REQUESTS_MAX: 1_000,
  PRODUCE_TIMEOUT_MS: 1_000,
  RECORDS_PER_SECOND_MAX: 1_000_000,
  FAILURES_PER_MINUTE_MAX: 1_000_000,
  ADDRESSES_REMEMBERED_MAX: 1_000,
  TRUST_PROXY: true,
  HSTS_SECONDS: 0,
}

export function createTestGuard(
  { logger, metrics }: Pick<EdgeBench<RecordName>, 'logger' | 'metrics'>,
  own: Partial<EdgeGuardSettings> = {},
  now: () => number = Date.now,
): EdgeGuard {
  return createEdgeGuard({ ...guardSettings, ...own }, { logger, metrics, now })
}

/** A listener on a free port of this machine. */
export async function serve(listener: Listener, guard: EdgeGuard): Promise<RunningServer> {
  const server = createEdgeServer(listener, guard)
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
