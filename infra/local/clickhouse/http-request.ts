// A request of ClickHouse's HTTP interface, read into what the engine needs.
import type { IncomingMessage } from 'node:http'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Transform } from 'node:stream'
import { EngineError, type EngineRequest } from './engine'
import type { Login } from './guarded-engine'
import { readStatement, type Statement } from './statement'

const bodyBytesMax = 1024 * 1024 * 1024

// Parameters of the interface itself; every other one is a setting.
const interfaceParameters = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'user',
  'password',
  'quota_key',
  'role',
  'stacktrace',
  'compress',
  'decompress',
  'session_id',
  'session_timeout',
  'session_check',
  'close_session',
  'buffer_size',
  'wait_end_of_query',
  'client_protocol_version',
  'cancel_http_readonly_queries_on_client_close',
  'send_progress_in_http_headers',
  'add_http_cors_header',
  'enable_http_compression',
])

// What can be handed over block by block: no head, no foot, no separator between blocks.
const streamableFormats = new Set([
  'JSONEachRow',
  'JSONCompactEachRow',
  'JSONStringsEachRow',
  'TabSeparated',
  'TSV',
  'TabSeparatedRaw',
  'TSVRaw',
  'CSV',
  'RowBinary',
])

/** @throws EngineError for what this interface refuses before the engine sees it */
export async function readRequest(
  incoming: IncomingMessage,
  query: URLSearchParams,
): Promise<Omit<EngineRequest, 'role'>> {
  refuseUnsupported(query)
  const head = Buffer.from(query.get('query') ?? '')
  const body = await readBody(incoming)
  const { sql, data, statement } = divide(head, body)
  if (statement.verb === '') {
    throw new EngineError('Code: 62. DB::Exception: Syntax error: Empty query. (SYNTAX_ERROR)')
  }
  const format = query.get('default_format') ?? header(incoming, 'x-clickhouse-format')
  const readonly = incoming.method === 'POST' ? null : '2'
  const answerFormat = (data === null ? statement.format : null) ?? format ?? 'TabSeparated'
  return {
    sql,
    data,
    database: query.get('database') ?? header(incoming, 'x-clickhouse-database'),
    settings: settingsOf(query, readonly),
    parameters: parametersOf(query),
    format: answerFormat,
    streams:
      (statement.verb === 'SELECT' || statement.verb === 'WITH') &&
      streamableFormats.has(answerFormat) &&
      query.get('wait_end_of_query') !== '1',
  }
}

/** As whom: said by basic authentication, by ClickHouse's own headers or in the address. */
export function readLogin(incoming: IncomingMessage, query: URLSearchParams): Login {
  const basic = /^Basic (.+)$/.exec(incoming.headers.authorization ?? '')?.[1]
  if (basic !== undefined) {
    const [user = '', ...password] = Buffer.from(basic, 'base64').toString().split(':')
    return { user, password: password.join(':') }
  }
  return {
    user: header(incoming, 'x-clickhouse-user') ?? query.get('user') ?? 'default',
    password: header(incoming, 'x-clickhouse-key') ?? query.get('password') ?? '',
  }
}

function refuseUnsupported(query: URLSearchParams): void {
  const unsupported =
    (query.get('compress') === '1' && 'compress=1 (use Accept-Encoding: gzip)') ||
    (query.get('decompress') === '1' && 'decompress=1 (use Content-Encoding: gzip)') ||
    (query.has('session_id') && 'sessions')
  if (unsupported === false) return
  throw new EngineError(
    `Code: 48. DB::Exception: The local server does not have ${unsupported}. (NOT_IMPLEMENTED)`,
  )
}

// As on the server, the statement may stand in the URL, in the body, or begin in one and go on in the other.
function divide(
  head: Buffer,
  body: Buffer,
): { sql: string; data: Buffer | null; statement: Statement } {
  const inUrl = readStatement(head.toString('latin1'))
  if (inUrl.dataAt !== null) {
    const begun = head.subarray(inUrl.dataAt)
    return {
      sql: prefixOf(head, inUrl.dataAt),
      data: begun.length === 0 ? body : Buffer.concat([begun, body]),
      statement: inUrl,
    }
  }
  const whole =
    head.length === 0 || body.length === 0
      ? Buffer.concat([head, body])
      : Buffer.concat([head, Buffer.from('\n'), body])
  const statement = readStatement(whole.toString('latin1'))
  if (statement.secondAt !== null) {
    throw new EngineError(
      `Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed): failed at position ${statement.secondAt + 1}. (SYNTAX_ERROR)`,
    )
  }
  if (statement.dataAt === null) return { sql: whole.toString(), data: null, statement }
  return {
    sql: prefixOf(whole, statement.dataAt),
    data: whole.subarray(statement.dataAt),
    statement,
  }
}

// The engine puts its own line end between statement and data.
function prefixOf(text: Buffer, end: number): string {
  return text
    .subarray(0, end)
    .toString()
    .replace(/[;\s]+$/, '')
}

function settingsOf(query: URLSearchParams, readonly: string | null): Map<string, string> {
  const settings = new Map<string, string>()
  for (const [name, value] of query) {
    if (!interfaceParameters.has(name) && !name.startsWith('param_')) settings.set(name, value)
  }
  if (readonly !== null) settings.set('readonly', readonly)
  return settings
}

function parametersOf(query: URLSearchParams): Map<string, string> {
  return new Map(
    [...query]
      .filter(([name]) => name.startsWith('param_'))
      .map(([name, value]) => [name.slice('param_'.length), value]),
  )
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const encoding = header(incoming, 'content-encoding') ?? 'identity'
  const decoder = decoderOf(encoding)
  const source = decoder === null ? incoming : incoming.pipe(decoder)
  if (decoder !== null) incoming.on('error', (error) => decoder.destroy(error))
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyBytesMax) {
      throw new EngineError('Code: 307. DB::Exception: Body over 1 GiB. (TOO_MANY_BYTES)')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function decoderOf(encoding: string): Transform | null {
  switch (encoding) {
    case 'identity':
      return null
    case 'gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      throw new EngineError(
        `Code: 89. DB::Exception: Unknown compression method: ${encoding}. (UNKNOWN_COMPRESSION_METHOD)`,
      )
  }
}

function header(incoming: IncomingMessage, name: string): string | null {
  const value = incoming.headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? null
}
