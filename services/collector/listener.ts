// The two hot paths as plain node:http functions in front of express, which alone would end at a third of
// their rate; everything else is express's.
import type { IncomingMessage } from 'node:http'
import {
  createAnswering,
  errorAnswer,
  type Answer,
  type AnswerRequest,
  type Answering,
  type Listener,
} from '../runtime/answer'
import { createEdgeApp } from '../runtime/edge-app'
import { createCollect, type CollectOptions } from './collect'
import { judgeOrigin, preflightHeaders } from './cors'
import { createPixel } from './pixel'
import { pathOf, queryOf } from './query'
import type { CollectorSource } from './sources'

export interface ListenerOptions extends Answering, CollectOptions {
  readonly sources: readonly CollectorSource[]
}

const robots: Answer = {
  status: 200,
  body: Buffer.from('User-agent: *\nDisallow: /\n'),
  headers: { 'content-type': 'text/plain; charset=utf-8' },
}

export function createCollectorListener(options: ListenerOptions): Listener {
  const { listener } = createAnswering(options)
  const collect = listener(
    '/collect',
    byMethod({
      POST: createCollect(options),
      OPTIONS: (request) => Promise.resolve(preflight(request, options)),
    }),
  )
  const pixel = listener('/p.gif', byMethod({ GET: createPixel(options) }))
  const rest = createEdgeApp(listener, (app) => {
    app.get(
      '/robots.txt',
      listener('other', () => Promise.resolve(robots)),
    )
  })
  return (request, response) => {
    const path = pathOf(request)
    if (path === '/collect') collect(request, response)
    else if (path === '/p.gif') pixel(request, response)
    else rest(request, response)
  }
}

function byMethod(methods: Readonly<Record<string, AnswerRequest>>): AnswerRequest {
  const allow = Object.keys(methods).join(', ')
  return (request) =>
    methods[request.method ?? '']?.(request) ??
    Promise.resolve(errorAnswer(405, `use ${allow}`, { headers: { allow } }))
}

/** A preflight shows no key in a header; without one in the query any source that lists the origin will do,
 * and the request itself is judged by its own source. */
function preflight(
  request: IncomingMessage,
  { sources, findSource }: Pick<ListenerOptions, 'sources' | 'findSource'>,
): Answer {
  const key = queryOf(request).get('write_key')
  const named = key === null ? undefined : findSource(key)
  const judged = key === null ? sources : named === undefined ? [] : [named]
  const { allowed, headers } = judgeOrigin(request, judged)
  if (!allowed) return errorAnswer(403, 'no source lists your origin', { headers })
  return { status: 204, body: null, headers: { ...headers, ...preflightHeaders } }
}
