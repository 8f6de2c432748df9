// Both edges with their real servers and listeners, in front of an intake that judges each record it is given.
import { isDeepStrictEqual } from 'node:util'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { createAcceptEvents } from '../../services/collector/accept-events'
import { createCollectorListener } from '../../services/collector/listener'
import { collectorSources, createSourceFinder } from '../../services/collector/sources'
import { createFindVisitor } from '../../services/collector/visitor-cookie'
import type { RecordName, Records } from '../../services/core/records'
import { createAcceptOrders } from '../../services/order-gateway/accept-orders'
import { createGatewayApp } from '../../services/order-gateway/app'
import { createReplays } from '../../services/order-gateway/replays'
import { gatewaySources } from '../../services/order-gateway/sources'
import type { Listener } from '../../services/runtime/answer'
import { localCodec } from '../../services/runtime/codec'
import { createEdgeServer } from '../../services/runtime/edge-server'
import type { Intake } from '../../services/runtime/intake'
import type { Logger } from '../../services/runtime/logger'
import { createMetrics, type Metrics } from '../../services/runtime/metrics'
import { createSeal } from '../../services/runtime/seal'
import { createTestGuard, hashKey, identifierTools } from '../support/edge-fakes'
import { rawValues } from './arbitrary-json'
import { orderWrongs, touchpointWrongs, type Allowed } from './judge-records'

export const now = 1_767_225_600_000
export const collectorKeys = [
  'fuzz-web-key-00001',
  'fuzz-open-key-0001',
  'fuzz-server-key-01',
] as const
export const gatewaySecret = 'fuzz-gateway-secret-01'
const sealKey = Buffer.alloc(32, 9)

/** What must be in no log, no answer and no record. */
export const secrets: readonly string[] = [
  ...rawValues,
  ...collectorKeys,
  gatewaySecret,
  hashKey.toString('base64'),
  sealKey.toString('base64'),
]

export interface FuzzedEdge {
  readonly port: number
  readonly metrics: Metrics
  /** Records kept so far. */
  readonly kept: () => number
  /** Lines logged so far. */
  readonly logged: () => number
  /** What went wrong since it was last asked. */
  readonly wrongs: () => string[]
  readonly close: () => Promise<void>
}

function plain(text: string): unknown {
  return JSON.parse(text) as unknown
}

interface Bench<Name extends RecordName> {
  readonly intake: Intake<Records[Name]>
  readonly metrics: Metrics
  readonly logger: Logger
  readonly found: { wrongs: string[]; kept: number; lines: number }
}

function createBench<Name extends RecordName>(
  name: Name,
  wrongsOf: (value: Records[Name]) => string[],
): Bench<Name> {
  const found: Bench<Name>['found'] = { wrongs: [], kept: 0, lines: 0 }
  const codec = localCodec(name)
  const judge = (value: Records[Name]): void => {
    found.kept += 1
    const text = JSON.stringify(value)
    // Encoding fails for what the schema forbids; a round trip that changes something lost it.
    const read = codec.decode(codec.encode(value))
    const isSame = isDeepStrictEqual(plain(JSON.stringify(read)), plain(text))
    if (!isSame) found.wrongs.push(`round trip: ${text}`)
    for (const secret of secrets) if (text.includes(secret)) found.wrongs.push(`kept: ${secret}`)
    if (text.includes('smuggled')) found.wrongs.push('smuggled')
    found.wrongs.push(...wrongsOf(value).map((wrong) => `${name} ${wrong}: ${text}`))
  }
  const write = (line: string): void => {
    found.lines += 1
    for (const secret of secrets) if (line.includes(secret)) found.wrongs.push(`logged: ${line}`)
    if (line.includes('"level":50')) found.wrongs.push(`error: ${line}`)
  }
  return {
    intake: {
      keep: (values) => {
        for (const value of values) judge(value)
        return Promise.resolve('kept')
      },
      close: () => undefined,
    },
    metrics: createMetrics('fuzz'),
    logger: pino({ level: 'debug' }, { write }),
    found,
  }
}

export async function startFuzzedCollector(): Promise<FuzzedEdge> {
  const [web, open, server] = collectorKeys
  const sources = collectorSources.parse([
    { name: 'web', keys: [web], allowed_origins: ['https://shop.example'], channel: 'web.page' },
    { name: 'open', keys: [open], allowed_origins: ['*'], app: 'wx1', platform: 'wechat' },
    {
      ...{ name: 'server', keys: [server], visitor_cookie: false, channel: 'crm' },
      identifier_kinds: ['code', 'phone', 'unionid'],
    },
  ])
  const allowed: Allowed = {
    now,
    sources: Object.fromEntries(sources.map((one) => [one.name, one.identifier_kinds])),
  }
  const bench = createBench('Touchpoint', (touch) => touchpointWrongs(touch, allowed))
  let minted = 0
  const guard = createTestGuard(bench)
  const listener = createCollectorListener({
    ...bench,
    guard,
    sources,
    findSource: createSourceFinder(sources),
    findVisitor: createFindVisitor({
      VISITOR_COOKIE: 'tv',
      VISITOR_COOKIE_DAYS: 365,
      VISITOR_COOKIE_SAME_SITE: 'Lax',
      VISITOR_COOKIE_SECURE: false,
      TRUST_PROXY: true,
    }),
    accept: createAcceptEvents({
      ...bench,
      tools: identifierTools,
      now: () => now,
      mintId: () => `minted-${(minted += 1)}`,
    }),
    bodyBytesMax: 50_000,
    eventsMax: 100,
  })
  return serve(listener, guard, bench)
}

export async function startFuzzedGateway(): Promise<FuzzedEdge> {
  const sources = gatewaySources.parse([
    { name: 'main', secrets: [gatewaySecret], platform: 'douyin', shops: ['S1'] },
    {
      ...{ name: 'many', secrets: ['another-secret-0123', gatewaySecret], platform: 'douyin' },
      shops: ['S1', 'S2'],
    },
  ])
  const allowed: Allowed = { now, sources: { main: [], many: [] } }
  const bench = createBench('Order', (order) => orderWrongs(order, allowed))
  const guard = createTestGuard(bench)
  const app = createGatewayApp({
    ...bench,
    guard,
    sources,
    accept: createAcceptOrders({
      ...bench,
      tools: { ...identifierTools, seal: createSeal(new Map([['k1', sealKey]]), 'k1') },
      now: () => now,
      ageMaxMs: 400 * 86_400_000,
    }),
    replays: createReplays(1_000, () => now),
    now: () => now,
    bodyBytesMax: 50_000,
    ordersMax: 100,
    signatureAgeMaxSeconds: 300,
  })
  return serve(app, guard, bench)
}

async function serve(
  listener: Listener,
  guard: ReturnType<typeof createTestGuard>,
  { metrics, found }: Pick<Bench<RecordName>, 'metrics' | 'found'>,
): Promise<FuzzedEdge> {
  const server = createEdgeServer(listener, guard)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    metrics,
    kept: () => found.kept,
    logged: () => found.lines,
    wrongs: () => found.wrongs.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
