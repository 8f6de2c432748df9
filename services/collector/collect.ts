// POST /collect: one event, a list, or {events, sent_at, write_key}. Any content type, since a beacon can only
// send text/plain; the body is JSON all the same.
import type { IncomingMessage } from 'node:http'
import { isFields, type Fields } from '../core/edge/notes'
import type { EventVerdict } from '../core/edge/touchpoint-from'
import { errorAnswer, type Answer, type AnswerRequest } from '../runtime/answer'
import { parseJson, readBody } from '../runtime/request-body'
import type { AcceptEvents } from './accept-events'
import { judgeOrigin } from './cors'
import { queryOf } from './query'
import type { CollectorSource } from './sources'
import type { FindVisitor } from './visitor-cookie'

export interface CollectOptions {
  readonly findSource: (key: string) => CollectorSource | undefined
  readonly findVisitor: FindVisitor
  readonly accept: AcceptEvents
  readonly bodyBytesMax: number
  readonly eventsMax: number
}

export const retryAfterSeconds = 5

/**
 * 200 when every event is taken, 207 when some are, 400 when none is: each with a verdict per event. A client
 * that sends again whatever is not 2xx therefore never repeats a batch whose good events are taken.
 */
export function createCollect(options: CollectOptions): AnswerRequest {
  return async (request) => {
    const body = await readEvents(request, options)
    if ('status' in body) return body
    const source = options.findSource(body.writeKey)
    if (source === undefined) return errorAnswer(401, 'unknown write key')
    const origin = judgeOrigin(request, [source])
    if (!origin.allowed) {
      return errorAnswer(403, 'this source does not list your origin', origin)
    }
    if (body.events.length > options.eventsMax) {
      const error = `too many events: ${body.events.length}, at most ${options.eventsMax}`
      return errorAnswer(413, error, origin)
    }
    if (body.events.length === 0) return errorAnswer(400, 'no events', origin)
    const visitor = options.findVisitor(request, { source, isPixel: false })
    const headers = { ...origin.headers, ...visitor?.headers }
    const verdicts = await options.accept(body.events, { source, visitor })
    if (verdicts === null) {
      return errorAnswer(503, 'not taken: try again', {
        headers: { ...headers, 'retry-after': String(retryAfterSeconds) },
      })
    }
    return verdictAnswer(verdicts, headers)
  }
}

interface EventsBody {
  readonly writeKey: string
  readonly events: readonly unknown[]
}

async function readEvents(
  request: IncomingMessage,
  { bodyBytesMax }: CollectOptions,
): Promise<EventsBody | Answer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return errorAnswer(415, 'send the body without content-encoding')
  const reading = await readBody(request, bodyBytesMax)
  if ('refused' in reading) {
    return reading.refused === 'too large'
      ? errorAnswer(413, `body too large: at most ${bodyBytesMax} bytes`)
      : errorAnswer(400, 'body cut short')
  }
  const body = parseJson(reading.bytes)
  if (body === undefined) return errorAnswer(400, 'malformed JSON')
  const header = request.headers['x-write-key']
  const given = [
    typeof header === 'string' ? header : undefined,
    queryOf(request).get('write_key') ?? undefined,
    isFields(body) && typeof body['write_key'] === 'string' ? body['write_key'] : undefined,
  ]
  const writeKey = given.find((key) => key !== undefined) ?? ''
  if (isFields(body) && 'events' in body && !Array.isArray(body['events'])) {
    return errorAnswer(400, 'events must be a list', { body: { field: 'events' } })
  }
  return { writeKey, events: eventsOf(body) }
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
