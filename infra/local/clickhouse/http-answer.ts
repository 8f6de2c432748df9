// An answer of ClickHouse's HTTP interface: headers, status codes and the two forms of an exception.
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { EngineError, type EngineAnswer } from './engine'

export interface AnswerOptions {
  readonly format: string
  readonly gzip: boolean
}

const contentTypes: Readonly<Record<string, string>> = {
  JSON: 'application/json; charset=UTF-8',
  JSONCompact: 'application/json; charset=UTF-8',
  JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  JSONCompactEachRow: 'application/x-ndjson; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8; header=absent',
  CSVWithNames: 'text/csv; charset=UTF-8; header=present',
  TabSeparated: 'text/tab-separated-values; charset=UTF-8',
  TabSeparatedWithNames: 'text/tab-separated-values; charset=UTF-8',
  RowBinary: 'application/octet-stream',
  Native: 'application/octet-stream',
}

/** Resolves once the client has everything. Rejects only when the client went away. */
export async function sendAnswer(
  response: ServerResponse,
  answer: EngineAnswer,
  options: AnswerOptions,
): Promise<void> {
  const tag = randomBytes(8).toString('hex')
  response.setHeader('Content-Type', contentTypes[options.format] ?? 'text/plain; charset=UTF-8')
  response.setHeader('X-ClickHouse-Format', options.format)
  response.setHeader('X-ClickHouse-Summary', JSON.stringify(summaryOf(answer)))
  response.setHeader('X-ClickHouse-Exception-Tag', tag)
  const stages: Writable[] = [response]
  if (options.gzip) {
    response.setHeader('Content-Encoding', 'gzip')
    stages.unshift(createGzip({ level: 1 }))
  }
  response.writeHead(200)
  const source = Readable.from(withLateException(answer.body, tag), { objectMode: false })
  try {
    await pipeline([source, ...stages])
  } finally {
    // A client that went away before the first byte leaves a body that nobody has begun to read.
    await answer.body[Symbol.asyncIterator]().return?.()
  }
}

/** The engine's own text, with the status a ClickHouse server would give it. */
export function sendError(response: ServerResponse, error: EngineError, version: string): void {
  const text = `${error.message.trimEnd()} (version ${version})\n`
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
  response.setHeader('X-ClickHouse-Exception-Code', String(error.code))
  response.writeHead(statusOf(error.code)).end(text)
}

// Once 200 has been said, an exception is told in the body, framed so that a client can tell it from data.
async function* withLateException(
  body: AsyncIterable<Uint8Array>,
  tag: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const message = `${error.message.trimEnd()}\n`
    yield Buffer.from(
      `\r\n__exception__\r\n${tag}\r\n${message}${Buffer.byteLength(message)} ${tag}\r\n__exception__\r\n`,
    )
  }
}

function summaryOf(answer: EngineAnswer): Record<string, string> {
  return {
    read_rows: String(answer.readRows),
    read_bytes: String(answer.readBytes),
    written_rows: String(answer.writtenRows),
    written_bytes: String(answer.writtenBytes),
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: '0',
    elapsed_ns: String(Math.round(answer.elapsedSeconds * 1e9)),
  }
}

const notFound = new Set([46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 128, 336])
const badRequest = new Set([
  6, 26, 27, 38, 41, 53, 62, 69, 70, 72, 117, 130, 131, 376, 386, 441, 456, 457, 675,
])

function statusOf(code: number): number {
  if (notFound.has(code)) return 404
  if (badRequest.has(code)) return 400
  if (code === 516) return 403
  if (code === 48) return 501
  if (code === 307) return 413
  return 500
}
