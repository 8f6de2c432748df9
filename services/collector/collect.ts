// POST /collect: one event, a list, or {events, sent_at, write_key}. Any content type, since a beacon can only
// send text/plain; the body is JSON all the same.
import type { IncomingMessage } from 'node:http'
import { isFields, type Fields } from '../core/edge/notes'
import type { EventVerdict } from '../core/edge/touchpoint-from'
import { errorAnswer, type Answer, type AnswerRequest } from '../runtime/answer'
import type { EdgeGuard } from '../runtime/edge-guard'
import { parseJson } from '../runtime/request-body'
import { readBytes } from '../runtime/read-bytes'
import type { AcceptEvents } from './accept-events'
import { judgeOrigin } from './cors'
import { queryOf } from './query'
import type { CollectorSource } from './sources'
import type { FindVisitor } from './visitor-cookie'

export interface CollectOptions {
  readonly findSource: (key: string) => CollectorSource | undefined
  readonly findVisitor: FindVisitor
  readonly accept: AcceptEvents
  readonly guard: EdgeGuard
  readonly bodyBytesMax: number
  readonly eventsMax: number
}

export const retryAfterSeconds = 5

/**
 * 200 when every event is taken, 207 when some are, 400 when none is: each with a verdict per event. A client
 * that sends again whatever is not 2xx therefore never repeats a batch whose good events are taken.
 */
export function createCollect(options: CollectOptions): AnswerRequest {
  const { guard, findSource } = options
  return async (request) => {
    const outside = outsideKey(request)
    const known = outside === undefined ? undefined : findSource(outside)
    if (outside !== undefined && known === undefined) {
      // Before the body is read, which is what a flood of them would cost.
      return guard.tooManyFailures(request) ?? guard.failed(request, unknownKey)
    }
    const isSuspect = known === undefined && guard.hasFailedTooOften(request)
    const body = await readEvents(request, isSuspect ? forSuspects(options) : options)
    if ('status' in body && (known !== undefined || body.status >= 500)) return body
    const source = known ?? ('status' in body ? undefined : findSource(body.writeKey))
    if (source === undefined || 'status' in body) {
      const refusal = isSuspect ? guard.tooManyFailures(request) : null
      return refusal ?? guard.failed(request, 'status' in body ? body : unknownKey)
    }
    return answerEvents(request, { events: body.events, source }, options)
  }
}

/**
 * A right key in a body must not suffer for what others at its address did, and only the body shows it: a flood from there
 * makes us read no more than so much of each.
 */
const suspectBodyBytesMax = 65_536

function forSuspects(options: CollectOptions): CollectOptions {
  return { ...options, bodyBytesMax: Math.min(options.bodyBytesMax, suspectBodyBytesMax) }
}

const unknownKey = errorAnswer(401, 'unknown write key')

/** The key where it can be seen before the body. */
function outsideKey(request: IncomingMessage): string | undefined {
  const header = request.headers['x-write-key']
  return (
    (typeof header === 'string' ? header : undefined) ??
    queryOf(request).get('write_key') ??
    undefined
  )
}

async function answerEvents(
  request: IncomingMessage,
  { events, source }: { readonly events: readonly unknown[]; readonly source: CollectorSource },
  { guard, findVisitor, accept, eventsMax }: CollectOptions,
): Promise<Answer> {
  const origin = judgeOrigin(request, [source])
  if (!origin.allowed) {
    return errorAnswer(403, 'this source does not list your origin', origin)
  }
  if (events.length > eventsMax) {
    return errorAnswer(413, `too many events: ${events.length}, at most ${eventsMax}`, origin)
  }
  if (events.length === 0) return errorAnswer(400, 'no events', origin)
  const tooMany = guard.tooMany(request, source, events.length)
  if (tooMany !== null) return { ...tooMany, headers: { ...origin.headers, ...tooMany.headers } }
  const visitor = findVisitor(request, { source, isPixel: false })
  const headers = { ...origin.headers, ...visitor?.headers }
  const verdicts = await accept(events, { source, visitor })
  if (verdicts !== null) return verdictAnswer(verdicts, headers)
  return errorAnswer(503, 'not taken: try again', {
    headers: { ...headers, 'retry-after': String(retryAfterSeconds) },
  })
}

interface EventsBody {
  /** Of the body; empty when it has none. */
  readonly writeKey: string
  readonly events: readonly unknown[]
}

async function readEvents(
  request: IncomingMessage,
  { bodyBytesMax, guard }: CollectOptions,
): Promise<EventsBody | Answer> {
  const bytes = await readBytes(request, guard.bodies, bodyBytesMax)
  if ('status' in bytes) return bytes
  const body = parseJson(bytes)
  if (body === undefined) return errorAnswer(400, 'malformed JSON')
  if (isFields(body) && 'events' in body && !Array.isArray(body['events'])) {
    return errorAnswer(400, 'events must be a list', { body: { field: 'events' } })
  }
  const key = isFields(body) ? body['write_key'] : undefined
  return { writeKey: typeof key === 'string' ? key : '', events: eventsOf(body) }
}

/** A batch's sent_at is that of every event without its own. */
function eventsOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body
  if (!isFields(body)) return [body]
  const { events } = body
  if (!Array.isArray(events)) {
    const fields = Object.entries(body).filter(([name]) => name !== 'write_key')
    return [Object.fromEntries(fields)]
  }
  const sentAt = body['sent_at']
  if (sentAt === undefined) return events
  return events.map((event: unknown) =>
    isFields(event) ? ({ sent_at: sentAt, ...event } satisfies Fields) : event,
  )
}

function verdictAnswer(
  verdicts: readonly EventVerdict[],
  headers: Readonly<Record<string, string>>,
): Answer {
  const accepted = verdicts.filter(({ touchpoint }) => touchpoint !== null).length
  const rejected = verdicts.length - accepted
  const status = rejected === 0 ? 200 : accepted === 0 ? 400 : 207
  const events = verdicts.map(({ id, touchpoint, faults, warnings }, index) => ({
    index,
    id,
    status: touchpoint === null ? 'rejected' : 'accepted',
    ...(faults.length > 0 && { faults }),
    ...(warnings.length > 0 && { warnings }),
  }))
  const error = status === 400 ? { error: 'no event was accepted' } : {}
  return { status, body: { ...error, accepted, rejected, events }, headers }
}
