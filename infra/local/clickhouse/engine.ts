// The ClickHouse engine as a library: one process owns one data directory, and every request gets a connection of its
// own (0.2 ms), so that settings, parameters and the current database of one request never reach another. All work
// runs on libuv's threads; the event loop only hands bytes over.
import { createRequire } from 'node:module'
import { mkdirSync } from 'node:fs'
import { Session, type StreamChunk } from 'chdb'

export interface EngineRequest {
  readonly sql: string
  /** Data of an INSERT, in the format that `sql` names at its end. */
  readonly data: Buffer | null
  readonly database: string | null
  readonly settings: ReadonlyMap<string, string>
  /** Values of `{name:Type}`, escaped as in TabSeparated, as in ClickHouse's own interface. */
  readonly parameters: ReadonlyMap<string, string>
  /** Format of the answer when the statement names none. */
  readonly format: string
  /** The only role whose rights the statement has; null for all rights. */
  readonly role: string | null
  /** Hand the answer over block by block. Only for SELECTs in formats that have neither head nor foot. */
  readonly streams: boolean
}

export interface EngineAnswer {
  readonly body: AsyncIterable<Uint8Array>
  readonly readRows: number
  readonly readBytes: number
  readonly writtenRows: number
  readonly writtenBytes: number
  readonly elapsedSeconds: number
}

export interface Engine {
  readonly version: string
  readonly timezone: string
  /** @throws EngineError with the engine's own text; once the body has begun, from the body */
  run(request: EngineRequest): Promise<EngineAnswer>
  /** Closes the data directory once what runs has ended. */
  close(): Promise<void>
}

/** The engine refused or failed: `Code: 60. DB::Exception: …`. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: number

  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1002)
  }
}

interface RawInsertResult {
  readonly elapsed: number
  readonly rowsWritten: number
  readonly bytesWritten: number
}

interface NativeAddon {
  InsertRawAsyncConnection(
    connection: unknown,
    prefix: string,
    data: Buffer,
    countLines: boolean,
  ): Promise<RawInsertResult>
}

// As on a server; the library's own default lets `1 + 1` pass for a query.
const connectionArgs = ['--implicit_select=0']

/** @param configFile of the engine's own; null for its defaults */
export async function openEngine(
  directory: string,
  configFile: string | null = null,
): Promise<Engine> {
  mkdirSync(directory, { recursive: true })
  const args = configFile === null ? [] : [`--config-file=${configFile}`]
  const open = (): Session =>
    new Session(directory, { connectionArgs: [...connectionArgs, ...args] })
  const opened = new Set<Session>()
  let emptied: () => void = () => undefined
  const lend = (): LentSession => {
    const session = open()
    opened.add(session)
    return {
      session,
      giveBack: () => {
        if (!opened.delete(session)) return
        session.close()
        if (opened.size === 0) emptied()
      },
    }
  }
  const first = open()
  const facts = await first.queryAsync('SELECT version(), timezone()', { format: 'TabSeparated' })
  const [version = '', timezone = ''] = facts.text().trim().split('\t')
  return {
    version,
    timezone,
    run: (request) => runOn(lend(), request),
    close: async () => {
      if (opened.size > 0) await new Promise<void>((resolve) => (emptied = resolve))
      first.close()
    },
  }
}

interface LentSession {
  readonly session: Session
  readonly giveBack: () => void
}

async function runOn(lent: LentSession, request: EngineRequest): Promise<EngineAnswer> {
  const { session, giveBack } = lent
  let handedOver = false
  try {
    await prepare(session, request)
    if (request.data !== null) return await insert(session, request.sql, request.data)
    if (request.streams) {
      const answer = await stream(lent, request)
      handedOver = true
      return answer
    }
    const result = await session.queryAsync(request.sql, { format: request.format })
    return {
      ...nothing,
      body: once(result.bytes()),
      readRows: result.rowsRead,
      readBytes: result.bytesRead,
      elapsedSeconds: result.elapsed,
    }
  } catch (error) {
    throw asEngineError(error)
  } finally {
    if (!handedOver) giveBack()
  }
}

async function prepare(session: Session, request: EngineRequest): Promise<void> {
  if (request.role !== null) await session.queryAsync(`SET ROLE ${quoteName(request.role)}`)
  if (request.database !== null) {
    await session.queryAsync(`USE ${quoteName(request.database)}`)
  }
  const assignments = [
    ...[...request.settings].map(([name, value]) => `${checkName(name)}=${quote(value)}`),
    ...[...request.parameters].map(([name, value]) => `param_${checkName(name)}=${quote(value)}`),
  ]
  if (assignments.length > 0) await session.queryAsync(`SET ${assignments.join(', ')}`)
}

function checkName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name
  throw new EngineError(`Code: 115. DB::Exception: Unknown setting '${name}'. (UNKNOWN_SETTING)`)
}

function quoteName(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``
}

function quote(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`
}

const nothing = { readRows: 0, readBytes: 0, writtenRows: 0, writtenBytes: 0, elapsedSeconds: 0 }

// The package's own insert() takes few formats and simple table names only; the call below it takes any statement.
const addon = (
  createRequire(require.resolve('chdb/package.json'))('./dist/loader.js') as {
    loadNative(): NativeAddon
  }
).loadNative()

async function insert(session: Session, sql: string, data: Buffer): Promise<EngineAnswer> {
  if (data.length === 0) return { ...nothing, body: once(data) }
  const result = await addon.InsertRawAsyncConnection(session.connection, sql, data, false)
  return {
    ...nothing,
    body: once(Buffer.alloc(0)),
    writtenRows: result.rowsWritten,
    writtenBytes: result.bytesWritten,
    elapsedSeconds: result.elapsed,
  }
}

// The first block is awaited, so that a statement that is wrong fails before an answer has begun.
async function stream(
  { session, giveBack }: LentSession,
  request: EngineRequest,
): Promise<EngineAnswer> {
  const blocks = session
    .queryStream(request.sql, { format: request.format })
    [Symbol.asyncIterator]()
  let ahead: Promise<IteratorResult<StreamChunk>> | null = Promise.resolve(await blocks.next())
  const finish = async (): Promise<IteratorReturnResult<undefined>> => {
    await blocks.return?.()
    giveBack()
    return { done: true, value: undefined }
  }
  // Not a generator: one that was never begun would never reach its `finally`, and the connection would stay.
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        const block = await (ahead ?? blocks.next())
        ahead = null
        return block.done === true ? await finish() : { done: false, value: block.value.raw() }
      } catch (error) {
        await finish()
        throw asEngineError(error)
      }
    },
    return: finish,
  }
  return { ...nothing, body: { [Symbol.asyncIterator]: () => iterator } }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield await Promise.resolve(bytes)
}

function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  return new EngineError(error instanceof Error ? error.message : String(error), error)
}
