// Which pages may send events: an origin is named in an answer only when the source lists it.
import type { IncomingMessage } from 'node:http'
import type { CollectorSource } from './sources'

export interface OriginVerdict {
  readonly allowed: boolean
  readonly headers: Readonly<Record<string, string>>
}

const varies = { vary: 'Origin' } as const

/**
 * What a request's Origin may do with a source. Requests without one come from no page's script, and a page
 * of this very host needs no permission. `*` lets every page send, but without cookies.
 */
export function judgeOrigin(
  request: IncomingMessage,
  sources: readonly Pick<CollectorSource, 'allowed_origins'>[],
): OriginVerdict {
  const { origin, host } = request.headers
  if (origin === undefined) return { allowed: true, headers: varies }
  const listed = sources.flatMap((source) => source.allowed_origins)
  if (listed.includes(origin)) {
    const headers = {
      ...varies,
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'retry-after',
    }
    return { allowed: true, headers }
  }
  if (listed.includes('*')) {
    return { allowed: true, headers: { ...varies, 'access-control-allow-origin': '*' } }
  }
  const own = URL.canParse(origin) && new URL(origin).host === host
  return { allowed: own, headers: varies }
}

/** What a preflight is told beyond the verdict on its origin. */
export const preflightHeaders = {
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'content-type, x-write-key',
  'access-control-max-age': '600',
} as const
