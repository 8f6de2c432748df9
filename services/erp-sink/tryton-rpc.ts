// Tryton's JSON-RPC 7.0: one POST per call, a session that lives in the ERP's database. It is not JSON-RPC
// 2.0: any key beyond id, method and params changes the shape of the answer.
import { DependencyError } from '../runtime/errors'

export interface TrytonSettings {
  /** http://host:port, without the database. */
  readonly url: string
  readonly database: string
  /** Put after the database: '/' in 7.0, '/rpc/' from 8.0 on. */
  readonly path: string
  readonly user: string
  readonly password: string
  readonly timeoutMs: number
}

/** What the ERP made of a call: a result, or why it refuses, in its own words. */
export type Answer = { readonly result: unknown } | { readonly refused: string }

export interface CallReport {
  readonly method: string
  readonly outcome: 'ok' | 'refused' | 'unwell'
  readonly durationMs: number
}

export interface TrytonHooks {
  now(): number
  called(report: CallReport): void
}

interface Session {
  readonly authorization: string
  readonly context: Readonly<Record<string, unknown>>
}

interface Post {
  readonly method: string
  readonly params: readonly unknown[]
  readonly authorization: string
  /** Where it is not that of the settings. */
  readonly timeoutMs?: number
}

const dependency = 'erp'
/** A stop waits for it. */
const logoutTimeoutMs = 2_000
/** /ready and the log have no place for the words of an ERP, which may quote any buyer. */
const itsLog = 'why stands in its own log'
/** The ERP locks a user out for 300 s after five wrong passwords; this stays below. */
const loginPauseMs = 90_000
const wordsMax = 2_000

export class TrytonRpc {
  private readonly settings: TrytonSettings
  private readonly hooks: TrytonHooks
  private session: Promise<Session> | null = null
  private refusedLogin: { readonly words: string; readonly until: number } | null = null
  private calls = 0

  /** Longest wait for one answer. */
  get timeoutMs(): number {
    return this.settings.timeoutMs
  }

  constructor(settings: TrytonSettings, hooks: TrytonHooks) {
    this.settings = settings
    this.hooks = hooks
  }

  /**
   * Calls `method` with `params` and the user's context. An expired session is renewed once.
   * @throws DependencyError when the ERP is away, busy, or does not know the user
   */
  async call(
    method: string,
    params: readonly unknown[],
    extraContext: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    const session = await this.login()
    const once = ({ authorization, context }: Session): Promise<Answer | 'unauthorized'> =>
      this.post({ method, params: [...params, { ...context, ...extraContext }], authorization })
    const answer = await once(session)
    if (answer !== 'unauthorized') return answer
    this.session = null
    const second = await once(await this.login())
    if (second !== 'unauthorized') return second
    this.session = null
    throw new DependencyError(
      dependency,
      `does not take the session it gave to ${this.settings.user}`,
    )
  }

  /**
   * Like `call`, for what the ERP has no reason to refuse: reads and set-up.
   * @throws DependencyError when it refuses all the same
   */
  async ask(
    method: string,
    params: readonly unknown[],
    extraContext: Readonly<Record<string, unknown>> = {},
  ): Promise<unknown> {
    const answer = await this.call(method, params, extraContext)
    if ('refused' in answer) {
      throw new DependencyError(dependency, `refuses ${method}${nameIn(answer.refused)}; ${itsLog}`)
    }
    return answer.result
  }

  /** Ends the session, if the ERP is well enough to hear of it: it forgets those nobody uses. */
  async logout(): Promise<void> {
    const { session } = this
    this.session = null
    try {
      if (session === null) return
      const { authorization } = await session
      const timeoutMs = Math.min(this.settings.timeoutMs, logoutTimeoutMs)
      await this.post({ method: 'common.db.logout', params: [], authorization, timeoutMs })
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error
    }
  }

  private async login(): Promise<Session> {
    if (this.refusedLogin !== null && this.hooks.now() < this.refusedLogin.until) {
      throw new DependencyError(dependency, this.refusedLogin.words)
    }
    this.session ??= this.openSession()
    try {
      return await this.session
    } catch (cause) {
      this.session = null
      throw cause
    }
  }

  private async openSession(): Promise<Session> {
    const { user, password } = this.settings
    const answer = await this.post({
      method: 'common.db.login',
      params: [user, { password }, 'en'],
      authorization: '',
    })
    if (answer === 'unauthorized' || 'refused' in answer || !Array.isArray(answer.result)) {
      const words = `refuses the password of user ${user}; correct it and start again`
      this.refusedLogin = { words, until: this.hooks.now() + loginPauseMs }
      throw new DependencyError(dependency, words)
    }
    this.refusedLogin = null
    const [id, key] = answer.result as [number, string]
    const authorization = `Session ${Buffer.from(`${user}:${id}:${key}`).toString('base64')}`
    const preferences = await this.post({
      method: 'model.res.user.get_preferences',
      params: [true, {}],
      authorization,
    })
    if (preferences === 'unauthorized' || 'refused' in preferences) {
      throw new DependencyError(dependency, `does not tell the preferences of user ${user}`)
    }
    const { company = null } = preferences.result as { company?: number | null }
    // Messages are translated and have no codes: keep them English.
    return { authorization, context: { company, language: 'en' } }
  }

  private async post(request: Post): Promise<Answer | 'unauthorized'> {
    const startedAt = this.hooks.now()
    const report = (outcome: CallReport['outcome']): void => {
      this.hooks.called({
        method: request.method,
        outcome,
        durationMs: this.hooks.now() - startedAt,
      })
    }
    try {
      const answer = await this.exchange(request)
      report(answer === 'unauthorized' ? 'unwell' : 'refused' in answer ? 'refused' : 'ok')
      return answer
    } catch (cause) {
      report('unwell')
      throw cause instanceof DependencyError
        ? cause
        : new DependencyError(dependency, reasonOf(cause))
    }
  }

  private async exchange(request: Post): Promise<Answer | 'unauthorized'> {
    const { url, database, path } = this.settings
    const response = await fetch(`${url}/${database}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(request.authorization === '' ? {} : { authorization: request.authorization }),
      },
      body: JSON.stringify({ id: ++this.calls, method: request.method, params: request.params }),
      signal: AbortSignal.timeout(request.timeoutMs ?? this.settings.timeoutMs),
    })
    if (response.status === 401) {
      await response.body?.cancel()
      return 'unauthorized'
    }
    if (!response.ok) {
      await response.body?.cancel()
      throw new DependencyError(dependency, `answered ${response.status} to ${request.method}`)
    }
    const body = parsed(await response.text())
    if (body === null) {
      throw new DependencyError(dependency, `answered what is no JSON to ${request.method}`)
    }
    if (body.error === undefined) return { result: body.result }
    return refusalFrom(request.method, body.error)
  }
}

/** What would meet the next document just as well: it says nothing about this one's data. */
const transientKinds = ['ConcurrencyException', 'LoginException']
const transientWords = [
  'database is locked',
  'deadlock detected',
  'could not serialize',
  'You are not allowed',
  'Calling button',
]

/**
 * The ERP's errors carry no codes: the class name of its own exceptions, or the text of any other.
 * @throws DependencyError for locks, lost races and missing rights
 */
function refusalFrom(method: string, error: unknown): Answer {
  const [kind, detail] = Array.isArray(error) ? (error as unknown[]) : [error]
  const message: unknown = Array.isArray(detail) ? detail[0] : detail
  const own = kind === 'UserError' || kind === 'UserWarning'
  const words = String(own ? message : kind).slice(0, wordsMax)
  const transient =
    transientKinds.find((name) => kind === name) ??
    transientWords.find((start) => words.startsWith(start))
  if (transient !== undefined) {
    throw new DependencyError(dependency, `${transient} (${method}); ${itsLog}`)
  }
  return { refused: words }
}

/** What is missing where the ERP says no more than the name of a field, model or module. */
function nameIn(words: string): string {
  const name = /^'?([a-z][a-z_.]{0,63})'?$/.exec(words)?.[1]
  return name === undefined ? '' : `: ${name}`
}

/** The parser's own words quote the text. */
function parsed(text: string): { readonly result?: unknown; readonly error?: unknown } | null {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' ? body : null
  } catch {
    return null
  }
}

function reasonOf(cause: unknown): unknown {
  return cause instanceof TypeError && cause.cause !== undefined ? cause.cause : cause
}
