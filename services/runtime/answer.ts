// What an edge says to a request, as a value, and the one place where it becomes bytes and is counted.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from './logger'
import type { Metrics } from './metrics'

export interface Answer {
  readonly status: number
  /** An object becomes JSON. */
  readonly body: Buffer | object | null
  readonly headers?: Readonly<Record<string, string>>
  /** What all answers of its kind have; without it the headers of JSON, or of bytes. */
  readonly base?: BaseHeaders
}

/** Names and values in turn, as node:http takes them: made once, where an object would be merged for every answer. */
export type BaseHeaders = readonly string[]

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

/** The headers of one kind of answers, with those that every answer has. */
export function baseHeaders(own: Readonly<Record<string, string>>): BaseHeaders {
  return Object.entries({ ...securityHeaders, ...own }).flat()
}

const bytesBase = baseHeaders({})
const jsonBase = baseHeaders({ 'content-type': 'application/json; charset=utf-8' })

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
  const respond = async (
    { route, answer }: { readonly route: string; readonly answer: AnswerRequest },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const startedAt = performance.now()
    const result = await answer(request).catch((err: unknown) => {
      logger.error({ err, route }, 'request failed')
      return errorAnswer(500, 'internal error')
    })
    seconds.observe({ route }, (performance.now() - startedAt) / 1000)
    requests.inc({ route, status: result.status })
    writeAnswer(response, result)
  }
  return {
    listener: (route, answer) => {
      const way = { route, answer }
      return (request, response) => {
        respond(way, request, response).catch((err: unknown) => {
          logger.error({ err, route }, 'answer failed')
          response.destroy()
        })
      }
    },
  }
}

/** Whether the server of a connection is stopping. Its close() ends the connections that are idle at that moment;
 * a busy one has to be told with its last answer, or it would hold the server up until it is idle for good. */
const stopping = new WeakMap<Socket, () => boolean>()

export function setServerStopping(socket: Socket, isStopping: () => boolean): void {
  stopping.set(socket, isStopping)
}

/** Writes an answer and ends the response; a client that has gone gets nothing. */
export function writeAnswer(
  response: ServerResponse,
  answer: Answer,
  { close = false }: { readonly close?: boolean } = {},
): void {
  if (response.headersSent || response.destroyed) return
  const { headers, bytes, encoding } = composed(answer)
  // What is left of a body that was not read must not keep a connection for itself.
  const isLast = close || answer.status === 413 || stopping.get(response.req.socket)?.() === true
  if (isLast) response.shouldKeepAlive = false
  response.writeHead(answer.status, headers)
  response.end(bytes, encoding)
}

/** An answer as bytes, for a connection on which there is no request to respond to. */
export function rawAnswer(answer: Answer): Buffer {
  const { headers, bytes, encoding } = composed(answer)
  const lines = headers.map((text, at) => text + (at % 2 === 0 ? ': ' : '\r\n'))
  const status = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n`
  const head = Buffer.from(`${status}${lines.join('')}connection: close\r\n\r\n`)
  return Buffer.concat([head, typeof bytes === 'string' ? Buffer.from(bytes, encoding) : bytes])
}

interface Composed {
  /** Names and values in turn. */
  readonly headers: string[]
  /** Text where it is not long: node:http writes it together with the head, bytes after it. */
  readonly bytes: string | Buffer
  readonly encoding: 'latin1' | 'utf8'
}

const textBytesMax = 16_384

function composed({ status, body, headers = {}, base }: Answer): Composed {
  const isJson = body !== null && !(body instanceof Buffer)
  const all = [...(base ?? (isJson ? jsonBase : bytesBase))]
  for (const name of Object.keys(headers)) setHeader(all, name, headers[name] ?? '')
  const bytes = isJson ? JSON.stringify(body) : (body ?? '')
  const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
  if (status !== 204) all.push('content-length', String(length))
  if (isJson) return { headers: all, bytes, encoding: 'utf8' }
  const isShort = typeof bytes !== 'string' && length <= textBytesMax
  return { headers: all, bytes: isShort ? bytes.toString('latin1') : bytes, encoding: 'latin1' }
}

/** In the place of one of that name, else behind the others. */
function setHeader(all: string[], name: string, value: string): void {
  for (let at = 0; at < all.length; at += 2) {
    if (all[at] === name) {
      all[at + 1] = value
      return
    }
  }
  all.push(name, value)
}
