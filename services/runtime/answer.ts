// What an edge says to a request, as a value, and the one place where it becomes bytes and is counted.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Logger } from './logger'
import type { Metrics } from './metrics'

export interface Answer {
  readonly status: number
  /** An object becomes JSON. */
  readonly body: Buffer | object | null
  readonly headers?: Readonly<Record<string, string>>
}

export type AnswerRequest = (request: IncomingMessage) => Promise<Answer>
export type Listener = (request: IncomingMessage, response: ServerResponse) => void
/** Makes a listener of a function; `route` names it in metrics. */
export type Listen = (route: string, answer: AnswerRequest) => Listener

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** An answer that is an error: `{error, …}`, never a stack. */
export function errorAnswer(status: number, error: string, rest: Partial<Answer> = {}): Answer {
  const body = { error, ...(rest.body instanceof Buffer ? {} : rest.body) }
  return { status, body, headers: rest.headers ?? {} }
}

export interface Answering {
  readonly logger: Logger
  readonly metrics: Metrics
}

/**
 * Turns functions from request to answer into node:http listeners that count and time what they answer. An
 * unexpected error is logged and answered 500: one odd request must not end a public edge for all others.
 */
export function createAnswering({ logger, metrics }: Answering): {
  readonly listener: Listen
} {
  const requests = metrics.counter('requests_total', 'Requests by route and status', [
    'route',
    'status',
  ])
  const seconds = metrics.histogram('request_seconds', 'Time to answer', ['route'])
  return {
    listener: (route, answer) => (request, response) => {
      const startedAt = performance.now()
      answer(request)
        .catch((err: unknown) => {
          logger.error({ err, route }, 'request failed')
          return errorAnswer(500, 'internal error')
        })
        .then((result) => {
          seconds.observe({ route }, (performance.now() - startedAt) / 1000)
          requests.inc({ route, status: result.status })
          writeAnswer(response, result)
        })
        .catch((err: unknown) => {
          logger.error({ err, route }, 'answer failed')
          response.destroy()
        })
    },
  }
}

/** Whether the server of a response is stopping. Its close() ends the connections that are idle at that moment;
 * a busy one has to be told with its last answer, or it would hold the server up until it is idle for good. */
const stopping = new WeakMap<ServerResponse, () => boolean>()

export function setServerStopping(response: ServerResponse, isStopping: () => boolean): void {
  stopping.set(response, isStopping)
}

/** Writes an answer and ends the response; a client that has gone gets nothing. */
export function writeAnswer(
  response: ServerResponse,
  answer: Answer,
  { close = false }: { readonly close?: boolean } = {},
): void {
  if (response.headersSent || response.destroyed) return
  const { headers, bytes } = composed(answer)
  // What is left of a body that was not read must not keep a connection for itself.
  const isLast = close || answer.status === 413 || stopping.get(response)?.() === true
  if (isLast) response.shouldKeepAlive = false
  response.writeHead(answer.status, headers)
  response.end(bytes)
}

/** An answer as bytes, for a connection on which there is no request to respond to. */
export function rawAnswer(answer: Answer): Buffer {
  const { headers, bytes } = composed(answer)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n`
  return Buffer.concat([Buffer.from(`${status}${lines.join('')}connection: close\r\n\r\n`), bytes])
}

function composed({ status, body, headers }: Answer): {
  readonly headers: Readonly<Record<string, string | number>>
  readonly bytes: Buffer
} {
  const isBytes = body instanceof Buffer
  const bytes = isBytes ? body : body === null ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body))
  const type = isBytes || body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }
  const length = status === 204 ? {} : { 'content-length': bytes.length }
  return { headers: { ...securityHeaders, ...type, ...headers, ...length }, bytes }
}
