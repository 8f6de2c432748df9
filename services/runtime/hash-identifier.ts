// The keyed hash behind which no identifier is known any more. Whoever has the key can test guesses, so it is
// a secret; whoever changes it starts with new persons.
import { hash } from 'node:crypto'
import type { IdentifierKind } from '../core/identity/node'

/** 128 bits: among 10^12 identifiers the chance of one collision is about 10^-15. */
const hashBytes = 16

export type HashIdentifier = (kind: IdentifierKind, scope: string, value: string) => string

/**
 * HMAC-SHA256 over `kind|scope|value`, the first 16 bytes as base64url: `kind:hash`, or `kind:scope:hash`.
 * @param key at least 32 bytes
 */
export function createIdentifierHash(key: Buffer): HashIdentifier {
  const digest = createHmacSha256(key)
  return (kind, scope, value) => {
    const hashed = digest(`${kind}|${scope}|${value}`).toString('base64url', 0, hashBytes)
    return scope === '' ? `${kind}:${hashed}` : `${kind}:${scope}:${hashed}`
  }
}

const blockBytes = 64
const digestBytes = 32

/**
 * HMAC-SHA256 as RFC 2104 defines it, of the UTF-8 bytes of a text. node:crypto's own makes an OpenSSL context and a stream
 * for every digest, which costs thrice as much and the garbage collector more. What it returns is good until the next call.
 */
function createHmacSha256(key: Buffer): (text: string) => Buffer {
  const block = Buffer.alloc(blockBytes)
  if (key.length > blockBytes) block.write(hash('sha256', key, 'hex'), 'hex')
  else key.copy(block)
  const inner = Buffer.from(block.map((byte) => byte ^ 0x36))
  const outer = Buffer.alloc(blockBytes + digestBytes)
  outer.set(block.map((byte) => byte ^ 0x5c))
  const digest = Buffer.alloc(digestBytes)
  let scratch = Buffer.concat([inner, Buffer.alloc(1_024)])
  return (text) => {
    // A UTF-16 unit takes three bytes at most.
    const room = blockBytes + 3 * text.length
    if (room > scratch.length) scratch = Buffer.concat([inner, Buffer.alloc(room)])
    const end = blockBytes + scratch.write(text, blockBytes)
    outer.write(hash('sha256', scratch.subarray(0, end), 'binary'), blockBytes, 'binary')
    digest.write(hash('sha256', outer, 'binary'), 'binary')
    return digest
  }
}
