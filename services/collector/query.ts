import type { IncomingMessage } from 'node:http'

/** Path of a request without its query. Not parsed as a URL: a client's odd target must not throw. */
export function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '/'
  const end = target.indexOf('?')
  return end < 0 ? target : target.slice(0, end)
}

export function queryOf(request: IncomingMessage): URLSearchParams {
  const target = request.url ?? '/'
  const start = target.indexOf('?')
  return new URLSearchParams(start < 0 ? '' : target.slice(start + 1))
}
