// GET /p.gif: one event in a query. A page always gets its picture; the status and a header tell the truth.
import { eventFromQuery } from '../core/edge/pixel-event'
import type { Fault } from '../core/edge/notes'
import { baseHeaders, type Answer, type AnswerRequest } from '../runtime/answer'
import { retryAfterSeconds, type CollectOptions } from './collect'
import { judgeOrigin } from './cors'
import { queryOf } from './query'

/** One transparent point. */
const gif = Buffer.from('R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64')

const gifHeaders = baseHeaders({
  'content-type': 'image/gif',
  'cache-control': 'no-store, no-cache, must-revalidate, private',
  pragma: 'no-cache',
  expires: '0',
  // Pages that isolate themselves may still embed it.
  'cross-origin-resource-policy': 'cross-origin',
})

export function createPixel(
  options: Pick<CollectOptions, 'findSource' | 'findVisitor' | 'accept' | 'guard'>,
): AnswerRequest {
  return async (request) => {
    const query = queryOf(request)
    const source = options.findSource(query.get('write_key') ?? '')
    if (source === undefined) {
      const refusal = options.guard.tooManyFailures(request)
      if (refusal !== null) return asPicture(refusal)
      const error = { 'x-tributary-error': 'unknown write key' }
      return options.guard.failed(request, picture(401, error))
    }
    const origin = judgeOrigin(request, [source])
    if (!origin.allowed) {
      const error = 'this source does not list your origin'
      return picture(403, { ...origin.headers, 'x-tributary-error': error })
    }
    const tooMany = options.guard.tooMany(request, source, 1)
    if (tooMany !== null) return asPicture(tooMany)
    query.delete('write_key')
    const visitor = options.findVisitor(request, { source, isPixel: true })
    const headers = visitor === null ? origin.headers : { ...origin.headers, ...visitor.headers }
    const verdicts = await options.accept([eventFromQuery(query)], { source, visitor })
    const verdict = verdicts?.[0]
    if (verdict === undefined) {
      const error = 'not taken: try again'
      const retryAfter = String(retryAfterSeconds)
      return picture(503, { ...headers, 'retry-after': retryAfter, 'x-tributary-error': error })
    }
    const { touchpoint, faults, warnings } = verdict
    if (touchpoint !== null && warnings.length === 0) return picture(200, headers)
    return picture(touchpoint === null ? 400 : 200, {
      ...headers,
      ...noted('x-tributary-error', faults),
      ...noted('x-tributary-warning', warnings),
    })
  }
}

function picture(status: number, headers: Readonly<Record<string, string>>): Answer {
  return { status, body: gif, base: gifHeaders, headers }
}

function asPicture({ status, headers }: Answer): Answer {
  return picture(status, { ...headers, 'x-tributary-error': 'too many: slow down' })
}

/** Field and fault, as ASCII: both are ours, neither holds a value. */
function noted(name: string, notes: readonly Fault[]): Readonly<Record<string, string>> {
  if (notes.length === 0) return {}
  const text = notes.map(({ field, fault }) => `${field} ${fault}`).join('; ')
  return { [name]: text.slice(0, 1_000) }
}
