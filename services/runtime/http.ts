// /live, /ready and /metrics of a service, on a port of their own, so that a public edge never shows them.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import express from 'express'
import { SetupError } from './errors'
import type { Health } from './health'
import type { Metrics } from './metrics'

export interface Listening {
  readonly port: number
  /** Stops taking connections, lets running requests end and hangs up on everybody else. */
  close(): Promise<void>
}

/** @throws SetupError when the port is taken or not allowed */
export async function listen(server: Server, host: string, port: number): Promise<Listening> {
  const hangUp = watchIdle(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new SetupError(`cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`, {
          cause,
        }),
      )
    })
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => {
          if (error === undefined) resolve()
          else reject(error)
        })
        hangUp()
      }),
  }
}

/**
 * Ends a server's idle connections when called, and from then on each when it becomes idle. Node's own close() ends
 * those idle at that moment only: one that has said nothing yet, as a browser opens in advance, or that is answered
 * a moment later, would hold the stop up until its keep-alive ends.
 */
function watchIdle(server: Server): () => void {
  const silent = new Set<Socket>()
  let stopping = false
  const closeIfStopping = (): void => {
    // Only now is the connection idle to the server.
    if (stopping) {
      setImmediate(() => {
        server.closeIdleConnections()
      })
    }
  }
  server.on('connection', (socket: Socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    silent.delete(socket)
    response.on('close', closeIfStopping)
  })
  return () => {
    stopping = true
    server.closeIdleConnections()
    for (const socket of silent) socket.destroy()
  }
}

export function createOperationsServer(health: Health, metrics: Metrics): Server {
  const app = express()
  app.disable('x-powered-by')
  app.get('/live', (_request, response) => {
    response.json({ live: true })
  })
  app.get('/ready', (_request, response) => {
    const faults = health.faults()
    const ready = faults.length === 0
    const degraded = health.degradations()
    response.status(ready ? 200 : 503).json({ ready, faults, degraded })
  })
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return createServer({ requestTimeout: 5_000, connectionsCheckingInterval: 1_000 }, app)
}
