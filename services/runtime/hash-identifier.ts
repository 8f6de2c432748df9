// The keyed hash behind which no identifier is known any more. Whoever has the key can test guesses, so it is
// a secret; whoever changes it starts with new persons.
import { createHmac } from 'node:crypto'
import type { IdentifierKind } from '../core/identity/node'

/** 128 bits: among 10^12 identifiers the chance of one collision is about 10^-15. */
const hashBytes = 16

export type HashIdentifier = (kind: IdentifierKind, scope: string, value: string) => string

/**
 * HMAC-SHA256 over `kind|scope|value`, the first 16 bytes as base64url: `kind:hash`, or `kind:scope:hash`.
 * @param key at least 32 bytes
 */
export function createIdentifierHash(key: Buffer): HashIdentifier {
  return (kind, scope, value) => {
    const digest = createHmac('sha256', key).update(`${kind}|${scope}|${value}`).digest()
    const hash = digest.toString('base64url', 0, hashBytes)
    return scope === '' ? `${kind}:${hash}` : `${kind}:${scope}:${hash}`
  }
}
