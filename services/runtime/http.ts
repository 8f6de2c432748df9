// /live, /ready and /metrics of a service, on a port of their own, so that a public edge never shows them.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { SetupError } from './errors'
import type { Health } from './health'
import type { Metrics } from './metrics'

export interface Listening {
  readonly port: number
  /** Stops taking connections, lets running requests end. */
  close(): Promise<void>
}

/** @throws SetupError when the port is taken or not allowed */
export async function listen(server: Server, host: string, port: number): Promise<Listening> {
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
        server.closeIdleConnections()
      }),
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
    response.status(faults.length === 0 ? 200 : 503).json({ ready: faults.length === 0, faults })
  })
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return createServer(app)
}
