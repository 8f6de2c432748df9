// The first-party visitor id: minted for browsers only, because a server that sends many people's events has no
// cookie jar, and one minted id would join them all.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { CollectorSource } from './sources'

export interface VisitorCookieSettings {
  readonly VISITOR_COOKIE: string
  readonly VISITOR_COOKIE_DAYS: number
  readonly VISITOR_COOKIE_SAME_SITE: 'Lax' | 'Strict' | 'None'
  readonly VISITOR_COOKIE_SECURE: boolean
  readonly TRUST_PROXY: boolean
}

export interface Visitor {
  readonly id: string
  /** Minted for this request. */
  readonly fresh: boolean
  readonly headers: Readonly<Record<string, string>>
}

export type FindVisitor = (
  request: IncomingMessage,
  options: { readonly source: CollectorSource; readonly isPixel: boolean },
) => Visitor | null

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Finds the visitor of a request: its cookie's, a fresh one for a browser without, else null. */
export function createFindVisitor(
  settings: VisitorCookieSettings,
  mint: () => string = randomUUID,
): FindVisitor {
  const name = settings.VISITOR_COOKIE
  const maxAge = settings.VISITOR_COOKIE_DAYS * 86_400
  const sameSite = settings.VISITOR_COOKIE_SAME_SITE
  const fixed = `Max-Age=${maxAge}; Path=/; HttpOnly; SameSite=${sameSite}`
  const isSecure = (request: IncomingMessage): boolean =>
    settings.VISITOR_COOKIE_SECURE ||
    sameSite === 'None' ||
    (settings.TRUST_PROXY && request.headers['x-forwarded-proto'] === 'https')

  return (request, { source, isPixel }) => {
    if (!source.visitor_cookie) return null
    const known = cookieOf(request, name)
    // Browsers name the page's origin in a POST; only browsers ask for a pixel.
    if (known === null && !isPixel && request.headers.origin === undefined) return null
    const id = known ?? mint()
    const cookie = `${name}=${id}; ${fixed}${isSecure(request) ? '; Secure' : ''}`
    return { id, fresh: known === null, headers: { 'set-cookie': cookie } }
  }
}

function cookieOf(request: IncomingMessage, name: string): string | null {
  const given = request.headers.cookie
  if (given === undefined) return null
  for (const pair of given.split(';')) {
    const [key, value = ''] = pair.trim().split('=', 2)
    if (key === name && uuid.test(value)) return value
  }
  return null
}
