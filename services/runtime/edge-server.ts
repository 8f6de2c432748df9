// The server of an edge: node:http within bounds that no slow, long-winded or numerous client gets past.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { errorAnswer, rawAnswer, setServerStopping, writeAnswer, type Listener } from './answer'
import { Connections, type TurnedAway } from './connections'
import type { EdgeGuard } from './edge-guard'

/** A server of `listener` within the guard's limits. */
export function createEdgeServer(listener: Listener, guard: EdgeGuard): Server {
  const { limits } = guard
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.requestTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(limits.requestTimeoutMs, 1_000),
    // Two readings of where a request ends would let one be hidden in another.
    insecureHTTPParser: false,
    // Asked for below: node:http's own answer has none of our headers.
    requireHostHeader: false,
  })
  const connections = new Connections(server, guard)
  const begin = createBegin({ connections, guard })
  const isStopping = (): boolean => !server.listening
  server.on('connection', (socket: Socket) => {
    setServerStopping(socket, isStopping)
  })
  server.on('request', (request, response) => {
    if (begin(request, response)) listener(request, response)
  })
  server.on('checkContinue', (request, response) => {
    if (!begin(request, response)) return
    // Behind an unanswered request node:http would write it between the head and the body of the next answer.
    if (connections.requestsOf(request.socket) === 1) response.writeContinue()
    listener(request, response)
  })
  server.on('checkExpectation', (request, response) => {
    if (begin(request, response)) {
      writeAnswer(response, errorAnswer(417, 'no such expectation is met here'))
    }
  })
  // The types say Duplex; of a server over TCP it is a socket.
  server.on('clientError', (error: NodeJS.ErrnoException, socket: unknown) => {
    refuse(error.code ?? '', socket as Socket, { connections, guard })
  })
  return server
}

/** Counts a request in; false when it is answered already, or its connection gone. */
function createBegin({
  connections,
  guard: { limits },
}: {
  readonly connections: Connections
  readonly guard: EdgeGuard
}): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    if (limits.hstsSeconds > 0) {
      response.setHeader('strict-transport-security', `max-age=${limits.hstsSeconds}`)
    }
    // After an Upgrade, which is not taken, node:http swallows whatever else comes on the connection.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false
    const verdict = connections.begin(request, response)
    if (verdict === 'busy') {
      const answer = errorAnswer(503, 'busy: try again', { headers: { 'retry-after': '1' } })
      writeAnswer(response, answer, { close: true })
    }
    if (verdict !== 'served') return false
    const fault = faultOf(request)
    if (fault === null) return true
    writeAnswer(response, errorAnswer(400, fault), { close: true })
    return false
  }
}

function faultOf({ headers, httpVersion, url }: IncomingMessage): string | null {
  if (headers.host === undefined && httpVersion !== '1.0') return 'host missing'
  return url?.startsWith('/') === true ? null : 'malformed path'
}

interface Refusal {
  readonly status: number
  readonly error: string
  readonly reason: TurnedAway
}

const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, error: 'too slow', reason: 'timeout' },
  HPE_HEADER_OVERFLOW: { status: 431, error: 'headers too large', reason: 'headers_too_large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    error: 'chunk extensions too large',
    reason: 'headers_too_large',
  },
}
const malformed: Refusal = { status: 400, error: 'malformed request', reason: 'malformed' }

/**
 * Answers what is no HTTP request, and hangs up. Where a whole request is still under way on the connection its
 * answer comes first: these bytes would be taken for it.
 */
function refuse(
  code: string,
  socket: Socket,
  { connections, guard }: { readonly connections: Connections; readonly guard: EdgeGuard },
): void {
  // A connection that broke made no request.
  if (code === 'ECONNRESET' || code === 'EPIPE' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, error, reason } = refusals[code] ?? malformed
  guard.events.turnedAway(reason)
  const newest = connections.newestOf(socket)
  if (newest !== undefined && newest.req.complete && !newest.writableFinished) {
    endAfter(newest, socket)
    return
  }
  if (newest === undefined || newest.writableFinished || !newest.headersSent) {
    socket.write(rawAnswer(errorAnswer(status, error)))
  }
  socket.destroy()
}

/** Hangs up once a response is written. */
function endAfter(response: ServerResponse, socket: Socket): void {
  response.shouldKeepAlive = false
  response.once('close', () => {
    socket.destroySoon()
  })
}
