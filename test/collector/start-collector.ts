import { touchpointKey } from '../../services/core/identity/node'
import { createAcceptEvents } from '../../services/collector/accept-events'
import { createCollectorListener } from '../../services/collector/listener'
import { collectorSources, createSourceFinder } from '../../services/collector/sources'
import { createFindVisitor } from '../../services/collector/visitor-cookie'
import {
  createEdgeBench,
  createTestGuard,
  identifierTools,
  serve,
  type RunningServer,
} from '../support/edge-fakes'
import type { EdgeGuardSettings } from '../../services/runtime/edge-guard'

export const now = 1_767_225_600_000
export const key = 'web-write-key-0001'
export const page = 'https://shop.example'

const sources = collectorSources.parse([
  { name: 'web', keys: [key, 'web-write-key-0002'], allowed_origins: [page], channel: 'web.page' },
  {
    name: 'page',
    keys: ['page-write-key-001'],
    channel: 'web.page',
    address_records_per_second: 0.2,
  },
  { name: 'open', keys: ['open-write-key-001'], allowed_origins: ['*'], channel: 'web.open' },
  {
    name: 'server',
    keys: ['server-write-key-1'],
    visitor_cookie: false,
    identifier_kinds: ['code', 'phone', 'device'],
  },
])

const running: RunningServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})

/** A collector on a free port in front of a fake producer; stopped after the test. */
export async function startCollector(
  limits: { readonly bodyBytesMax?: number; readonly eventsMax?: number } = {},
  own: Partial<EdgeGuardSettings> = {},
) {
  const bench = createEdgeBench('Touchpoint', touchpointKey)
  const clock = { now }
  const guard = createTestGuard(bench, own, () => clock.now)
  let minted = 0
  const server = await serve(
    createCollectorListener({
      logger: bench.logger,
      metrics: bench.metrics,
      sources,
      findSource: createSourceFinder(sources),
      findVisitor: createFindVisitor(
        {
          VISITOR_COOKIE: 'tv',
          VISITOR_COOKIE_DAYS: 365,
          VISITOR_COOKIE_SAME_SITE: 'Lax',
          VISITOR_COOKIE_SECURE: false,
          TRUST_PROXY: true,
        },
        () => '11111111-2222-4333-8444-555555555555',
      ),
      accept: createAcceptEvents({
        intake: bench.intake,
        tools: identifierTools,
        metrics: bench.metrics,
        now: () => now,
        mintId: () => `minted-${(minted += 1)}`,
      }),
      guard,
      bodyBytesMax: limits.bodyBytesMax ?? 100_000,
      eventsMax: limits.eventsMax ?? 500,
    }),
    guard,
  )
  running.push(server)
  const post = (body: unknown, headers: Record<string, string> = {}, query = '') =>
    fetch(`${server.url}/collect${query}`, {
      method: 'POST',
      headers: { 'x-write-key': key, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const pixel = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/p.gif?${query}`, { headers })
  return { ...bench, server, clock, post, pixel }
}

export const click = { id: 'e-1', type: 'click', at: now - 1_000 }
