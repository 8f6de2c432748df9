// Bad requests at both edges, a hundred thousand with `npm run fuzz`. A failure shows the requests at fault, each
// tried again alone, with a seed and a path: FUZZ_SEED and FUZZ_PATH bring the batch back. FUZZ_REQUESTS sets how
// many there are.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { rawBytes } from './arbitrary-bytes'
import { figureRequest } from './arbitrary-figures'
import { collectRequest, orderRequest, pixelRequest, strayRequest } from './arbitrary-requests'
import { secrets, startFuzzedCollector, startFuzzedGateway, type FuzzedEdge } from './fuzzed-edges'
import { answersIn, PipelinedClient, sendRaw, type RawAnswer } from './raw-client'

const mebibyte = 1024 * 1024
const requestsMin = Number(process.env['FUZZ_REQUESTS'] ?? 20_000)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const path = process.env['FUZZ_PATH']
const perBatch = 32
const heapGrowthMaxBytes = 4 * mebibyte

const statuses = new Set([200, 204, 207, 400, 401, 403, 404, 405, 408, 413, 415, 417, 422, 431])
const origins = new Set([undefined, '*', 'https://shop.example'])

const outcomes = new Map<string, number>()
const growths: string[] = []
let sent = 0
let edges: { readonly collector: FuzzedEdge; readonly gateway: FuzzedEdge }

beforeAll(async () => {
  setFlagsFromString('--expose-gc')
  edges = { collector: await startFuzzedCollector(), gateway: await startFuzzedGateway() }
})

afterAll(async () => {
  await edges.collector.close()
  await edges.gateway.close()
  const counts = [...outcomes].sort().map(([outcome, times]) => `${outcome} ${times}`)
  process.stdout.write(
    `fuzzed: ${sent} requests, seed ${seed}: ${counts.join(', ')}; heap growth MiB ${growths.join(', ')}\n`,
  )
})

/** Sends a batch and says what is wrong with what came of it. */
type Send = (requests: readonly Buffer[]) => Promise<string[]>

/** Plays this share of all requests, in batches. The heap is the same at a tenth and at the end. */
async function play(share: number, request: fc.Arbitrary<Buffer>, send: Send): Promise<void> {
  const numRuns = Math.ceil((requestsMin * share) / perBatch)
  const heaps: number[] = []
  let batches = 0
  const batch = fc.array(request, { minLength: perBatch, maxLength: perBatch })
  const property = fc.asyncProperty(batch, async (requests) => {
    const wrongs = await send(requests)
    if (wrongs.length > 0) throw new Error(await blame(requests, { send, wrongs }))
    batches += 1
    sent += requests.length
    if (batches === Math.ceil(numRuns / 10) || batches === numRuns) heaps.push(heapUsedBytes())
  })
  const replay = path === undefined ? {} : { path }
  // Those at fault are found by sending each alone; shrinking thirty-two at once takes minutes.
  await fc.assert(property, { seed, numRuns, endOnFailure: true, ...replay })
  const [early = 0, late = early] = heaps
  growths.push(((late - early) / mebibyte).toFixed(1))
  if (requestsMin >= 50_000) expect(late - early).toBeLessThan(heapGrowthMaxBytes)
}

async function blame(
  requests: readonly Buffer[],
  { send, wrongs }: { readonly send: Send; readonly wrongs: readonly string[] },
): Promise<string> {
  const lines = [`${wrongs.slice(0, 5).join('\n')}\n`]
  for (const request of requests) {
    const alone = await send([request]).catch((error: unknown) => [String(error)])
    if (alone.length > 0) {
      const shown = JSON.stringify(request.toString('latin1')).slice(0, 3_000)
      lines.push(`${alone.join('\n')}\nafter ${shown}`)
    }
  }
  return lines.slice(0, 4).join('\n')
}

/** Well-framed requests, many at once on one connection. */
function pipelined(edge: FuzzedEdge): { readonly send: Send; readonly close: () => void } {
  const client = new PipelinedClient(edge.port)
  const send: Send = async (requests) => {
    const keptBefore = edge.kept()
    const answers = await client.send(requests)
    const taken = answers.map(takenBy).reduce((sum, one) => sum + one, 0)
    const kept = edge.kept() - keptBefore
    // What came behind a request that closed the connection is sent again, and may be kept twice.
    const isExact = answers.every(({ headers }) => headers.get('connection') !== 'close')
    return [
      ...answers.flatMap(answerWrongs),
      ...edge.wrongs(),
      ...((isExact ? kept === taken : kept >= taken)
        ? []
        : [`${kept} records kept, ${taken} answered as taken`]),
    ]
  }
  return {
    send,
    close: () => {
      client.close()
    },
  }
}

/** Each on a connection of its own. */
function separate(edge: FuzzedEdge): Send {
  return async (requests) => {
    const said = await Promise.all(requests.map((bytes) => sendRaw(edge.port, bytes)))
    const wrongs = said.flatMap((bytes) => {
      const { answers, rest } = answersIn(bytes)
      if (answers.length === 0) count('hung up')
      return [...answers.flatMap(answerWrongs), ...(rest.length === 0 ? [] : ['half an answer'])]
    })
    return [...wrongs, ...edge.wrongs()]
  }
}

/** What is wrong with an answer, whatever the request was. */
function answerWrongs({ status, headers, body }: RawAnswer): string[] {
  count(String(status))
  const text = body.toString()
  const shown = `${[...headers].join('\n')}\n${text}`
  const claims: (readonly [string, boolean])[] = [
    [`status ${status}: ${text}`, statuses.has(status)],
    ['no security headers', headers.get('x-content-type-options') === 'nosniff'],
    ['server shown', !headers.has('x-powered-by') && !headers.has('server')],
    ['origin reflected', origins.has(headers.get('access-control-allow-origin'))],
    [`stack: ${text}`, !/\n\s+at |node:internal|\.ts:\d|Error:/.test(text)],
    [`shown: ${shown}`, !secrets.some((secret) => shown.includes(secret))],
    [`no JSON: ${text}`, !isJson(headers) || text.startsWith('{')],
  ]
  return claims.filter(([, holds]) => !holds).map(([wrong]) => wrong)
}

function isJson(headers: RawAnswer['headers']): boolean {
  return headers.get('content-type')?.startsWith('application/json') === true
}

/** How many records an answer says were taken. */
function takenBy({ status, headers, body }: RawAnswer): number {
  if (headers.get('content-type') === 'image/gif') return status === 200 ? 1 : 0
  if (!isJson(headers)) return 0
  const { accepted = 0, duplicate } = JSON.parse(body.toString()) as {
    accepted?: number
    duplicate?: true
  }
  return duplicate === undefined ? accepted : 0
}

function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}

function heapUsedBytes(): number {
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test.each([
  ['events that are nearly right', 'collector', 0.3, collectRequest],
  ['pixels with odd queries', 'collector', 0.2, pixelRequest],
  ['orders that are nearly right', 'gateway', 0.2, orderRequest],
  ['figures that are nearly right', 'gateway', 0.15, figureRequest],
  ['any method at any path', 'collector', 0.025, strayRequest],
  ['any method at any path', 'gateway', 0.025, strayRequest],
] as const)(
  '%s, at the %s, are taken as the schema allows or refused, and nothing else happens',
  async (_what, edge, share, request) => {
    const { send, close } = pipelined(edges[edge])
    try {
      await play(share, request, send)
    } finally {
      close()
    }
  },
  1_800_000,
)

test.each(['collector', 'gateway'] as const)(
  'bytes that are no HTTP end their own connection to the %s and nothing else',
  async (edge) => {
    await play(0.05, rawBytes, separate(edges[edge]))
  },
  1_800_000,
)

test('no odd request leaves a trace: few label values, no line logged, no prototype touched', async () => {
  for (const edge of Object.values(edges)) {
    const series = (await edge.metrics.registry.metrics()).split('\n')
    expect(series.filter((line) => line.startsWith('attribution_')).length).toBeLessThan(300)
    expect(edge.logged()).toBe(0)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
  expect('polluted' in {}).toBe(false)
  if (path === undefined) expect(sent).toBeGreaterThanOrEqual(requestsMin)
})
