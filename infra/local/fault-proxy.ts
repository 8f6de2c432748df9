// A TCP proxy on 127.0.0.1 that fails on demand: between clients and one service, for tests and for chaos on real parts.
import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { kafkaWire, type KafkaHook, type Wire } from './kafka-wire'

export type Direction = 'both' | 'to-server' | 'to-client'

export interface FaultProxy {
  readonly port: number
  /** `127.0.0.1:port`. */
  readonly address: string
  /** Ends every fault that is still set; connections that were stalled stay dead, new ones work. */
  pass(): Promise<void>
  /** Ends all connections at once, as by a reset. */
  cut(): void
  /** Cuts, and lets nobody connect until `pass()`. */
  refuse(): Promise<void>
  /** Half-open: what is sent in that direction vanishes, nothing is closed; new connections are taken and stall too. */
  stall(direction?: Direction): void
  /** Every chunk from now on arrives that much later, in order. */
  delay(ms: number): void
  /** Kafka only: judges requests and responses. @returns what removes the hook */
  intercept(hook: KafkaHook): () => void
  /** Open connections. */
  connections(): number
  close(): Promise<void>
}

export interface FaultProxyOptions {
  readonly upstream: { readonly host: string; readonly port: number }
  /** Where to listen; any free port when not given. */
  readonly port?: number
  /** `kafka` understands frames (not TLS) and leads clients back to the proxy; by default bytes are bytes. */
  readonly protocol?: 'kafka' | 'bytes'
}

interface Faults {
  stalled: Direction | null
  delayMs: number
}

interface Connection {
  readonly client: Socket
  readonly server: Socket
  stalled: Direction | null
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { upstream, protocol = 'bytes' } = options
  const faults: Faults = { stalled: null, delayMs: 0 }
  const hooks = new Set<KafkaHook>()
  const connections = new Set<Connection>()
  let newWire: () => Wire = bytesWire
  // Half-open sockets: who is stalled must not answer the end of the other side by itself.
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({ ...upstream, allowHalfOpen: true, noDelay: true })
    const connection: Connection = { client, server, stalled: faults.stalled }
    connections.add(connection)
    join({ connection, faults, wire: newWire() })
    client.once('close', () => connections.delete(connection))
  })
  const port = await listen(listener, options.port ?? 0)
  if (protocol === 'kafka') {
    newWire = kafkaWire(hooks, { upstreamPort: upstream.port, proxyPort: port })
  }
  const cut = (): void => {
    for (const connection of connections) reset(connection)
  }
  return {
    port,
    address: `127.0.0.1:${port}`,
    cut,
    async pass() {
      faults.stalled = null
      faults.delayMs = 0
      hooks.clear()
      if (!listener.listening) await listen(listener, port)
    },
    async refuse() {
      const closed = closeListener(listener)
      cut()
      await closed
    },
    stall(direction = 'both') {
      faults.stalled = direction
      for (const connection of connections) connection.stalled = direction
    },
    delay(ms) {
      faults.delayMs = ms
    },
    intercept(hook) {
      assert(protocol === 'kafka', 'only the protocol kafka can be intercepted')
      hooks.add(hook)
      return () => hooks.delete(hook)
    },
    connections: () => connections.size,
    async close() {
      const closed = closeListener(listener)
      cut()
      await closed
    },
  }
}

interface Joint {
  readonly connection: Connection
  readonly faults: Faults
  readonly wire: Wire
}

function join({ connection, faults, wire }: Joint): void {
  const { client, server } = connection
  const forward = (from: Socket, to: Socket, direction: 'to-server' | 'to-client'): void => {
    const stalled = (): boolean => connection.stalled === 'both' || connection.stalled === direction
    let last = Promise.resolve()
    const inTurn = (action: () => Promise<void> | void): void => {
      const dueMs = Date.now() + faults.delayMs
      last = last.then(async () => {
        if (dueMs > Date.now()) await pause(dueMs - Date.now())
        if (!stalled() && !to.destroyed) await action()
      })
    }
    from.on('data', (chunk: Buffer) => {
      inTurn(async () => {
        for await (const piece of wire[direction](chunk)) {
          if (piece === 'cut') {
            reset(connection)
            return
          }
          if (stalled() || to.destroyed) return
          if (!to.write(piece)) from.pause()
        }
      })
    })
    to.on('drain', () => from.resume())
    from.on('end', () => {
      inTurn(() => {
        to.end()
      })
    })
    // Also how the end of a broken connection comes; nothing is told of it while the other side is to see nothing.
    from.on('error', () => {
      if (!stalled()) reset(connection)
    })
  }
  forward(client, server, 'to-server')
  forward(server, client, 'to-client')
}

function reset({ client, server }: Connection): void {
  breakOff(client)
  breakOff(server)
}

/** As by a reset. While a socket is saying its end it cannot be reset: it would stay open and keep the process alive. */
export function breakOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

async function* pieces(chunk: Buffer): AsyncGenerator<Buffer> {
  yield Promise.resolve(chunk)
}

function bytesWire(): Wire {
  return { 'to-server': pieces, 'to-client': pieces }
}

function listen(listener: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(port, '127.0.0.1', () => {
      listener.off('error', reject)
      const address = listener.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function closeListener(listener: Server): Promise<void> {
  return new Promise((resolve) => {
    listener.close(() => {
      resolve()
    })
  })
}
