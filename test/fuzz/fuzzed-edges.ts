// Both edges with their real servers and listeners, in front of an intake that judges each record it is given.
import { isDeepStrictEqual } from 'node:util'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { createAcceptEvents } from '../../services/collector/accept-events'
import { createCollectorListener } from '../../services/collector/listener'
import { collectorSources, createSourceFinder } from '../../services/collector/sources'
import { createFindVisitor } from '../../services/collector/visitor-cookie'
import { figureKinds, figureTopics } from '../../services/core/figures/figure'
import type { RecordName, Records } from '../../services/core/records'
import { createAcceptFigures, type PlacedFigure } from '../../services/order-gateway/accept-figures'
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
import { figureWrongs, orderWrongs, touchpointWrongs, type Allowed } from './judge-records'

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

interface Bench {
  readonly metrics: Metrics
  readonly logger: Logger
  readonly found: { wrongs: string[]; kept: number; lines: number }
  /** Judges each record it is given to keep. */
  readonly judging: <Name extends RecordName>(
    name: Name,
    wrongsOf: (value: Records[Name]) => string[],
  ) => Pick<Intake<Records[Name]>, 'keep'>
}

function createBench(): Bench {
  const found: Bench['found'] = { wrongs: [], kept: 0, lines: 0 }
  const judging: Bench['judging'] = (name, wrongsOf) => {
    const codec = localCodec(name)
    const judge = (value: Parameters<typeof wrongsOf>[0]): void => {
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
    return {
      keep: (values) => {
        for (const value of values) judge(value)
        return Promise.resolve('kept')
      },
    }
  }
  const write = (line: string): void => {
    found.lines += 1
    for (const secret of secrets) if (line.includes(secret)) found.wrongs.push(`logged: ${line}`)
    if (line.includes('"level":50')) found.wrongs.push(`error: ${line}`)
  }
  const logger = pino({ level: 'debug' }, { write })
  return { judging, metrics: createMetrics('fuzz'), logger, found }
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
  const bench = createBench()
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
      intake: bench.judging('Touchpoint', (touch) => touchpointWrongs(touch, allowed)),
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
      figures: [...figureKinds],
    },
    { name: 'finance', secrets: [gatewaySecret], figures: [...figureKinds] },
  ])
  const allowed: Allowed = { now, sources: { main: [], many: [] } }
  const bench = createBench()
  const guard = createTestGuard(bench)
  const app = createGatewayApp({
    ...bench,
    guard,
    sources,
    accept: createAcceptOrders({
      ...bench,
      intake: bench.judging('Order', (order) => orderWrongs(order, allowed)),
      tools: { ...identifierTools, seal: createSeal(new Map([['k1', sealKey]]), 'k1') },
      now: () => now,
      ageMaxMs: 400 * 86_400_000,
    }),
    acceptFigures: createAcceptFigures({ ...bench, intake: judgingFigures(bench), now: () => now }),
    replays: createReplays(1_000, () => now),
    now: () => now,
    bodyBytesMax: 50_000,
    ordersMax: 100,
    figuresMax: 100,
    signatureAgeMaxSeconds: 300,
  })
  return serve(app, guard, bench)
}

function judgingFigures({ judging }: Bench): Pick<Intake<PlacedFigure>, 'keep'> {
  const byKind = new Map(
    figureKinds.map((kind) => {
      const { record } = figureTopics[kind]
      return [kind, judging(record, (figure) => figureWrongs(kind, figure, now))]
    }),
  )
  return {
    keep: async (values) => {
      for (const { kind, figure } of values) await byKind.get(kind)?.keep([figure])
      return 'kept'
    },
  }
}

async function serve(
  listener: Listener,
  guard: ReturnType<typeof createTestGuard>,
  { metrics, found }: Pick<Bench, 'metrics' | 'found'>,
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
