// The engine behind its users: who logs in is told from the rest, and a change of users opens the engine anew, since it
// reads their rights when it opens (70 ms). Requests wait meanwhile.
import { changedAccess, readAccessBook, roleOf, writeAccessBook, type AccessBook } from './access'
import { openEngine, type EngineAnswer, type EngineRequest } from './engine'

export interface GuardedEngine {
  readonly version: string
  readonly timezone: string
  /** @throws EngineError with the engine's own text, or that of a server that does not know the user */
  run(request: Omit<EngineRequest, 'role'>, login: Login): Promise<EngineAnswer>
  close(): Promise<void>
}

export interface Login {
  readonly user: string
  readonly password: string
}

export async function openGuardedEngine(directory: string): Promise<GuardedEngine> {
  let book = readAccessBook(directory)
  let engine = await openEngine(directory, configOf(directory, book))
  let change = Promise.resolve()
  const reopen = async (next: AccessBook): Promise<void> => {
    const config = writeAccessBook(directory, next)
    const same = sameRights(book, next)
    book = next
    if (same) return
    await engine.close()
    engine = await openEngine(directory, config)
  }
  return {
    version: engine.version,
    timezone: engine.timezone,
    async run(request, { user, password }) {
      await change
      const role = roleOf(book, user, password)
      const next = role === null && request.data === null ? changedAccess(book, request.sql) : null
      if (next === null) return engine.run({ ...request, role })
      await engine.run(asParsed(request))
      change = change.then(() => reopen(next))
      await change
      return nothingToSay()
    },
    async close() {
      await change
      await engine.close()
    },
  }
}

/** Whether the engine would notice the difference: users are known here only, and a role without rights is none. */
function sameRights(book: AccessBook, next: AccessBook): boolean {
  const rights = ({ roles }: AccessBook): string =>
    JSON.stringify(Object.entries(roles).filter(([, privileges]) => privileges !== ''))
  return rights(book) === rights(next)
}

function configOf(directory: string, book: AccessBook): string | null {
  return Object.keys(book.roles).length === 0 ? null : writeAccessBook(directory, book)
}

/** The engine's own parser judges the statement first. */
function asParsed(request: Omit<EngineRequest, 'role'>): EngineRequest {
  const text = request.sql.replace(/[\\']/g, '\\$&')
  return { ...request, sql: `SELECT formatQuery('${text}')`, streams: false, role: null }
}

function nothingToSay(): EngineAnswer {
  return {
    body: (async function* () {
      yield await Promise.resolve(new Uint8Array())
    })(),
    ...{ readRows: 0, readBytes: 0, writtenRows: 0, writtenBytes: 0, elapsedSeconds: 0 },
  }
}
