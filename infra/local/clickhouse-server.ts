// ClickHouse without a server: the engine as a library behind ClickHouse's HTTP interface, as far as @clickhouse/client,
// curl and Grafana use it. Listens on 127.0.0.1 only; takes any user until users are made. A process of its own, because
// the engine binds one data directory per process.
// Usage: clickhouse-server --directory <path> --port <number> [--certificate <PEM file> --key <PEM file>]
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { parseArgs } from 'node:util'
import { EngineError } from './clickhouse/engine'
import { openGuardedEngine, type GuardedEngine } from './clickhouse/guarded-engine'
import { sendAnswer, sendError } from './clickhouse/http-answer'
import { readLogin, readRequest } from './clickhouse/http-request'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      directory: { type: 'string' },
      port: { type: 'string' },
      certificate: { type: 'string' },
      key: { type: 'string' },
    },
  })
  if (values.directory === undefined || values.port === undefined) {
    throw new Error('usage: clickhouse-server --directory <path> --port <number>')
  }
  const engine = await openGuardedEngine(values.directory)
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    void handle(engine, incoming, response)
  }
  const { certificate, key } = values
  const server =
    certificate === undefined || key === undefined
      ? createServer(answer)
      : createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer)
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 30_000
  server.requestTimeout = 0
  await listen(server, Number(values.port))
  const scheme = certificate === undefined ? 'http' : 'https'
  console.log(`ClickHouse engine ${engine.version} answers on ${scheme}://127.0.0.1:${values.port}`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      server.close(() => {
        void engine.close().then(() => process.exit(0))
      })
      server.closeIdleConnections()
    })
  }
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function handle(
  engine: GuardedEngine,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost')
  if (pathname === '/ping' || pathname === '/replicas_status') {
    response.end('Ok.\n')
    return
  }
  if (pathname !== '/') {
    response.writeHead(404).end(`There is no handle ${pathname}\n`)
    return
  }
  if (incoming.method === 'GET' && !searchParams.has('query')) {
    response.end('Ok.\n')
    return
  }
  response.setHeader('X-ClickHouse-Server-Display-Name', 'tributary-local')
  response.setHeader('X-ClickHouse-Timezone', engine.timezone)
  response.setHeader('X-ClickHouse-Query-Id', searchParams.get('query_id') ?? randomUUID())
  try {
    const request = await readRequest(incoming, searchParams)
    const answer = await engine.run(request, readLogin(incoming, searchParams))
    await sendAnswer(response, answer, {
      format: request.format,
      gzip:
        searchParams.get('enable_http_compression') === '1' &&
        /\bgzip\b/.test(incoming.headers['accept-encoding'] ?? ''),
    })
  } catch (error) {
    if (error instanceof EngineError && !response.headersSent) {
      sendError(response, error, engine.version)
    } else {
      // The client went away in the middle of its request or of the answer.
      response.destroy()
    }
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
