// The limits of an edge in one value: how much it holds for its clients, and how often each may come.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { Rate } from '../core/edge/token-bucket'
import { errorAnswer, type Answer } from './answer'
import { clientAddress } from './client-address'
import type { ConnectionEvents, ConnectionLimits } from './connections'
import type { Logger } from './logger'
import type { Metrics } from './metrics'
import { createRateLimits } from './rate-limits'
import { Bodies } from './request-body'

export interface EdgeGuardSettings {
  readonly BODY_BYTES_MAX: number
  readonly BODIES_BYTES_MAX: number
  readonly HEADER_BYTES_MAX: number
  readonly REQUEST_TIMEOUT_MS: number
  readonly KEEP_ALIVE_MS: number
  readonly CONNECTIONS_MAX: number
  readonly REQUESTS_MAX: number
  readonly PRODUCE_TIMEOUT_MS: number
  readonly RECORDS_PER_SECOND_MAX: number
  readonly FAILURES_PER_MINUTE_MAX: number
  readonly ADDRESSES_REMEMBERED_MAX: number
  readonly TRUST_PROXY: boolean
  readonly HSTS_SECONDS: number
}

/** What a source may say about its own rate. */
export interface LimitedSource {
  readonly name: string
  readonly records_per_second?: number | undefined
  /** Of one client address; for a key that stands in a page, which one visitor could otherwise use up. */
  readonly address_records_per_second?: number | undefined
}

export interface EdgeGuard {
  readonly limits: ConnectionLimits & {
    readonly headerBytesMax: number
    readonly requestTimeoutMs: number
    readonly keepAliveMs: number
    readonly hstsSeconds: number
  }
  readonly events: ConnectionEvents
  readonly bodies: Bodies
  /** The answer 429 when a source, or the client on its behalf, sends too many records; else null. */
  tooMany(request: IncomingMessage, source: LimitedSource, records: number): Answer | null
  /** The answer 429 when a client's address has failed to prove who it is too often; else null. */
  tooManyFailures(request: IncomingMessage): Answer | null
  /** The same question, for who does not refuse at once. */
  hasFailedTooOften(request: IncomingMessage): boolean
  /** Counts a failure, and passes on its answer. */
  failed(request: IncomingMessage, answer: Answer): Answer
}

export interface EdgeGuardParts {
  readonly metrics: Metrics
  readonly logger: Logger
  readonly now: () => number
}

/** A short peak is no flood. */
const recordsBurstSeconds = 10
const failuresBurstSeconds = 60

export function createEdgeGuard(settings: EdgeGuardSettings, parts: EdgeGuardParts): EdgeGuard {
  const { metrics, now } = parts
  const limited = metrics.counter(
    'rate_limited_total',
    'Requests answered 429, by the limit that was met',
    ['limit', 'source'],
  )
  const sources = createRateLimits(Infinity, now)
  const addresses = createRateLimits(settings.ADDRESSES_REMEMBERED_MAX, now)
  const failures = createRateLimits(settings.ADDRESSES_REMEMBERED_MAX, now)
  const failureRate: Rate = {
    perSecond: settings.FAILURES_PER_MINUTE_MAX / 60,
    burstSeconds: failuresBurstSeconds,
  }
  const addressOf = (request: IncomingMessage): string =>
    clientAddress(request, settings.TRUST_PROXY)
  const recordRate = (perSecond: number): Rate => ({ perSecond, burstSeconds: recordsBurstSeconds })
  const refuse = (limit: string, source: string, waitMs: number): Answer => {
    limited.inc({ limit, source })
    return rateAnswer(waitMs)
  }

  return {
    limits: limitsOf(settings, parts.logger),
    ...watched(settings, metrics),
    tooMany(request, source, records) {
      const perAddress = source.address_records_per_second
      if (perAddress !== undefined) {
        const key = `${source.name} ${addressOf(request)}`
        const waitMs = addresses.take(key, { rate: recordRate(perAddress), cost: records })
        if (waitMs > 0) return refuse('address', source.name, waitMs)
      }
      const rate = recordRate(source.records_per_second ?? settings.RECORDS_PER_SECOND_MAX)
      const waitMs = sources.take(source.name, { rate, cost: records })
      return waitMs === 0 ? null : refuse('source', source.name, waitMs)
    },
    hasFailedTooOften: (request) => failures.wait(addressOf(request), failureRate) > 0,
    tooManyFailures(request) {
      const waitMs = failures.wait(addressOf(request), failureRate)
      return waitMs === 0 ? null : refuse('failures', '', waitMs)
    },
    failed(request, answer) {
      // What was our own shortage is nobody's failure.
      if (answer.status < 500) failures.take(addressOf(request), { rate: failureRate, cost: 1 })
      return answer
    },
  }
}

function rateAnswer(waitMs: number): Answer {
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))) }
  return errorAnswer(429, 'too many: slow down', { headers })
}

function watched(
  settings: EdgeGuardSettings,
  metrics: Metrics,
): Pick<EdgeGuard, 'events' | 'bodies'> {
  const held = { connections: 0, requests: 0, bytes: 0 }
  metrics.reading('open_connections', 'Client connections open', () => held.connections)
  const ofRequests = 'Requests whose answer is not written yet'
  metrics.reading('open_requests', ofRequests, () => held.requests)
  metrics.reading('body_bytes', 'Bytes held for request bodies', () => held.bytes)
  const away = metrics.counter(
    'turned_away_total',
    'Clients cut short to protect the others, by reason',
    ['reason'],
  )
  return {
    events: {
      turnedAway: (reason) => {
        away.inc({ reason })
      },
      changed: (open, underWay) => {
        held.connections = open
        held.requests = underWay
      },
    },
    bodies: new Bodies(
      // One body of the largest size must find room beside those that do not arrive.
      Math.max(settings.BODIES_BYTES_MAX, 2 * settings.BODY_BYTES_MAX),
      {
        changed: (bytes) => {
          held.bytes = bytes
        },
        gaveWay: () => {
          away.inc({ reason: 'bodies' })
        },
      },
    ),
  }
}

/** Files that are not connections: the brokers', the log, the spool. */
const otherFiles = 200

function limitsOf(settings: EdgeGuardSettings, logger: Logger): EdgeGuard['limits'] {
  const { REQUEST_TIMEOUT_MS: requestTimeoutMs, CONNECTIONS_MAX: wanted } = settings
  const possible = Math.max(1, openFilesMax() - otherFiles)
  if (possible < wanted) {
    const hint = `open files are limited to ${possible + otherFiles}: at most ${possible} connections, not ${wanted}`
    logger.warn(`${hint}; raise the limit (ulimit -n) or lower CONNECTIONS_MAX`)
  }
  return {
    headerBytesMax: settings.HEADER_BYTES_MAX,
    requestTimeoutMs,
    keepAliveMs: settings.KEEP_ALIVE_MS,
    hstsSeconds: settings.HSTS_SECONDS,
    connectionsMax: Math.min(wanted, possible),
    requestsMax: settings.REQUESTS_MAX,
    // To arrive, to be kept, to be read.
    requestLifeMaxMs: 2 * requestTimeoutMs + settings.PRODUCE_TIMEOUT_MS,
  }
}

/** How many files this process may open; no bound where the system does not tell. */
function openFilesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.MAX_SAFE_INTEGER)
  } catch {
    // Only Linux has this file; elsewhere the system refuses what is too many.
    return Number.MAX_SAFE_INTEGER
  }
}
