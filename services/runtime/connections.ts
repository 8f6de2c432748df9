// What keeps one kind of client from wearing an edge out: the idle, the slow, the many, and those who never read
// their answer. node:http bounds the size of headers and the time until a request is complete; connections,
// requests under way and unread answers are ours to bound.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { EdgeGuard } from './edge-guard'
import type { Bodies } from './request-body'

/** Why a client was turned away; a label of a metric. */
export type TurnedAway =
  /** no connection that could make room for it */
  | 'connections'
  /** its connection was the longest without a whole request when another one came */
  | 'idle'
  /** too many requests at once on its connection */
  | 'pipelined'
  /** too many requests at once on all connections */
  | 'requests'
  /** its request was not over in time: most likely the answer is not being read */
  | 'unread'
  | 'timeout'
  | 'malformed'
  | 'headers_too_large'

export interface ConnectionLimits {
  readonly connectionsMax: number
  /** Requests under way on all connections. */
  readonly requestsMax: number
  /** Longest a request may take from its headers to the last byte of its answer. */
  readonly requestLifeMaxMs: number
}

export interface ConnectionEvents {
  readonly turnedAway: (reason: TurnedAway) => void
  /** Connections open and requests under way. */
  readonly changed: (connections: number, requests: number) => void
}

/** Browsers do not pipeline; whoever does must not fill the memory with answers it does not read. */
const pipelinedMax = 64

interface Guarded {
  readonly open: Set<ServerResponse>
  newest: ServerResponse | undefined
}

/** The connections and requests of one server, kept within limits from before it listens until it is closed. */
export class Connections {
  readonly #limits: ConnectionLimits
  readonly #events: ConnectionEvents
  readonly #bodies: Bodies
  readonly #guarded = new Map<Socket, Guarded>()
  /** Those without a whole request: idle, or slow. The one longest so comes first. */
  readonly #waiting = new Set<Socket>()
  /** Requests under way and when they began, oldest first. */
  readonly #underWay = new Map<ServerResponse, number>()

  constructor(
    server: Server,
    { limits, events, bodies }: Pick<EdgeGuard, 'limits' | 'events' | 'bodies'>,
  ) {
    this.#limits = limits
    this.#events = events
    this.#bodies = bodies
    server.on('connection', (socket: Socket) => {
      this.#admit(socket)
    })
    const sweep = setInterval(
      () => {
        this.#endOverdue()
      },
      Math.min(limits.requestLifeMaxMs, 1_000),
    ).unref()
    server.once('close', () => {
      clearInterval(sweep)
    })
  }

  /** Counts a request in. `busy`: answer so; `gone`: its connection is no more. */
  begin(request: IncomingMessage, response: ServerResponse): 'served' | 'busy' | 'gone' {
    const { socket } = request
    const state = this.#guarded.get(socket)
    // After its last answer a connection has no more requests, whatever was sent along already.
    if (state === undefined || state.newest?.shouldKeepAlive === false) return 'gone'
    state.open.add(response)
    state.newest = response
    this.#underWay.set(response, performance.now())
    this.#waiting.delete(socket)
    if (hasBody(request)) {
      this.#waiting.add(socket)
      request.once('end', () => this.#waiting.delete(socket))
    }
    response.on('close', () => {
      this.#end(response)
    })
    this.#changed()
    if (state.open.size > pipelinedMax) return this.#hangUp(socket, 'pipelined')
    if (this.#underWay.size <= this.#limits.requestsMax) return 'served'
    if (state.open.size > 1) return this.#hangUp(socket, 'requests')
    this.#events.turnedAway('requests')
    return 'busy'
  }

  /** Requests under way on a connection. */
  requestsOf(socket: Socket): number {
    return this.#guarded.get(socket)?.open.size ?? 0
  }

  /** The newest request of a connection, over or not. */
  newestOf(socket: Socket): ServerResponse | undefined {
    return this.#guarded.get(socket)?.newest
  }

  #admit(socket: Socket): void {
    if (this.#guarded.size >= this.#limits.connectionsMax) {
      const [longest] = this.#waiting
      if (longest === undefined) {
        this.#hangUp(socket, 'connections')
        return
      }
      this.#hangUp(longest, 'idle')
      this.#forget(longest)
    }
    this.#guarded.set(socket, { open: new Set(), newest: undefined })
    this.#waiting.add(socket)
    this.#changed()
    socket.once('close', () => {
      this.#forget(socket)
      this.#changed()
    })
  }

  #end(response: ServerResponse): void {
    const { req: request } = response
    if (!this.#underWay.delete(response)) return
    this.#bodies.release(request)
    const state = this.#guarded.get(request.socket)
    state?.open.delete(response)
    if (state?.open.size === 0) this.#waiting.add(request.socket)
    this.#changed()
  }

  #endOverdue(): void {
    const born = performance.now() - this.#limits.requestLifeMaxMs
    for (const [response, begunAt] of this.#underWay) {
      if (begunAt > born) return
      this.#hangUp(response.req.socket, 'unread')
    }
  }

  #hangUp(socket: Socket, reason: TurnedAway): 'gone' {
    this.#events.turnedAway(reason)
    socket.destroy()
    return 'gone'
  }

  #forget(socket: Socket): void {
    const state = this.#guarded.get(socket)
    this.#guarded.delete(socket)
    this.#waiting.delete(socket)
    // An answer that waits behind others on its connection never hears that the connection is gone.
    for (const response of state?.open ?? []) this.#end(response)
  }

  #changed(): void {
    this.#events.changed(this.#guarded.size, this.#underWay.size)
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
