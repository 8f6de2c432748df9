// Stands before an HTTP service and answers nonsense on demand: what a proxy of bytes cannot do.
import {
  createServer,
  request as forward,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export type Failure =
  /** The service is not asked. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly type: string
      readonly body: string
    }
  /** The service does its work; half of its answer comes back. */
  | { readonly kind: 'truncate' }
  /** The service does its work; a 502 comes back. */
  | { readonly kind: 'lose' }
  /** The service does its work; its answer comes later. */
  | { readonly kind: 'late'; readonly ms: number }
  /** The service gets the request later, whether or not the client still waits. */
  | { readonly kind: 'held'; readonly ms: number }

export interface HttpFront {
  readonly port: number
  /** From now on requests fail in these ways, in turn; none: they pass. */
  fail(...failures: readonly Failure[]): void
  /** Requests that failed since the last call of `fail`. */
  failed(): number
  close(): Promise<void>
}

export async function startHttpFront(upstreamPort: number): Promise<HttpFront> {
  let failures: readonly Failure[] = []
  let count = 0
  const server = createServer((incoming, outgoing) => {
    const failure = failures[count % failures.length] ?? null
    if (failure !== null) count += 1
    if (failure?.kind === 'answer') {
      incoming.resume()
      outgoing.writeHead(failure.status, { 'content-type': failure.type }).end(failure.body)
      return
    }
    pass({ upstreamPort, failure }, incoming, outgoing)
  })
  // Whoever is behind may keep idle connections for as long as the service would.
  server.keepAliveTimeout = 75_000
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    fail(...wanted) {
      failures = wanted
      count = 0
    },
    failed: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

interface Passage {
  readonly upstreamPort: number
  readonly failure: Exclude<Failure, { kind: 'answer' }> | null
}

function pass(
  { upstreamPort, failure }: Passage,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { method, url: path } = incoming
  const asked = forward(
    {
      ...{ host: '127.0.0.1', port: upstreamPort, agent: false },
      ...(method === undefined ? {} : { method }),
      ...(path === undefined ? {} : { path }),
      headers: { ...incoming.headers, connection: 'close' },
    },
    (answer) => {
      void passBack({ answer, failure }, outgoing)
    },
  )
  // The service is gone: its client sees a connection that breaks off, as it would without us.
  asked.once('error', () => outgoing.destroy())
  if (failure?.kind === 'held') void holdBack(incoming, asked, failure.ms)
  else incoming.pipe(asked)
}

async function holdBack(
  incoming: IncomingMessage,
  asked: ClientRequest,
  holdMs: number,
): Promise<void> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
  } catch {
    // Its client broke off before all of it was sent.
    asked.destroy()
    return
  }
  await pause(holdMs, undefined, { ref: false })
  asked.end(Buffer.concat(chunks))
}

async function passBack(
  { answer, failure }: { answer: IncomingMessage; failure: Passage['failure'] },
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer)
  } catch {
    // Broke off half-way: the service was killed.
    outgoing.destroy()
    return
  }
  const body = Buffer.concat(chunks)
  if (failure?.kind === 'late') await pause(failure.ms, undefined, { ref: false })
  if (outgoing.destroyed) return
  if (failure?.kind === 'lose') {
    outgoing.writeHead(502, { 'content-type': 'text/html' }).end('<h1>502 Bad Gateway</h1>')
    return
  }
  const shown = failure?.kind === 'truncate' ? body.subarray(0, body.length / 2) : body
  outgoing.writeHead(answer.statusCode ?? 502, headersOf(answer)).end(shown)
}

/** What concerns one connection only is ours to say. */
function headersOf({ headers }: IncomingMessage): IncomingMessage['headers'] {
  const own = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length'])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name)))
}
