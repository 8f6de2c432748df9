// A pixel has nothing but a query: the same field names as an event, identifiers flat.
import { identifierKinds } from '../identity/node'
import { isFields, type Fields } from './notes'

/** Scope of a flat openid or user. */
const scopeParameters: Readonly<Record<string, { kind: string; name: string }>> = {
  openid_app: { kind: 'openid', name: 'app' },
  user_platform: { kind: 'user', name: 'platform' },
}

/** The event that query parameters describe; `type` is page_view unless they say otherwise. The first of a
 * name counts; `_` breaks caches and means nothing. */
export function eventFromQuery(parameters: Iterable<readonly [string, string]>): Fields {
  const given = new Map<string, string>()
  for (const [name, value] of parameters) if (!given.has(name)) given.set(name, value)
  given.delete('_')
  const event: Record<string, unknown> = { type: 'page_view' }
  const identifiers: Record<string, unknown> = {}
  for (const [name, value] of given) {
    if ((identifierKinds as readonly string[]).includes(name)) identifiers[name] = value
    else if (name === 'at' || name === 'sent_at') event[name] = instantOf(value)
    else if (!(name in scopeParameters)) event[name] = value
  }
  for (const [parameter, { kind, name }] of Object.entries(scopeParameters)) {
    const scope = given.get(parameter)
    const id = identifiers[kind]
    if (scope !== undefined && id !== undefined) identifiers[kind] = { [name]: scope, id }
  }
  return isFields(identifiers) && Object.keys(identifiers).length > 0
    ? { ...event, identifiers }
    : event
}

function instantOf(text: string): string | number {
  return /^\d{1,15}$/.test(text) ? Number(text) : text
}
