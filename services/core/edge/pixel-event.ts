// A pixel has nothing but a query: the same field names as an event, identifiers flat.
import { identifierKinds } from '../identity/node'
import type { Fields } from './notes'

/** Scope of a flat openid or user. */
const scopeParameters: Readonly<Record<string, { kind: string; name: string }>> = {
  openid_app: { kind: 'openid', name: 'app' },
  user_platform: { kind: 'user', name: 'platform' },
}

const kinds: ReadonlySet<string> = new Set(identifierKinds)

/** The event that query parameters describe; `type` is page_view unless they say otherwise. The first of a
 * name counts; `_` breaks caches and means nothing. */
export function eventFromQuery(parameters: Iterable<readonly [string, string]>): Fields {
  const event: Record<string, unknown> = { type: 'page_view' }
  const given = new Set(['_'])
  const identifiers: Record<string, unknown> = {}
  let scopes: Map<string, string> | null = null
  let namesSomebody = false
  for (const [name, value] of parameters) {
    if (given.has(name)) continue
    given.add(name)
    if (kinds.has(name)) {
      identifiers[name] = value
      namesSomebody = true
    } else if (name === 'at' || name === 'sent_at') event[name] = instantOf(value)
    else if (name in scopeParameters) (scopes ??= new Map()).set(name, value)
    else event[name] = value
  }
  if (!namesSomebody) return event
  for (const [parameter, { kind, name }] of scopes === null
    ? []
    : Object.entries(scopeParameters)) {
    const scope = scopes?.get(parameter)
    const id = identifiers[kind]
    if (scope !== undefined && id !== undefined) identifiers[kind] = { [name]: scope, id }
  }
  event['identifiers'] = identifiers
  return event
}

function instantOf(text: string): string | number {
  return /^\d{1,15}$/.test(text) ? Number(text) : text
}
