import { createHmac } from 'node:crypto'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'

const key = Buffer.alloc(32, 3)
const hash = createIdentifierHash(key)

test('an identifier is the first 16 bytes of HMAC-SHA256 over kind, scope and value', () => {
  const digest = createHmac('sha256', key).update('openid|wx1|oABC').digest()
  expect(hash('openid', 'wx1', 'oABC')).toBe(
    `openid:wx1:${digest.subarray(0, 16).toString('base64url')}`,
  )
  expect(hash('phone', '', '+8613812345678')).toMatch(/^phone:[\w-]{22}$/)
})

test('kind, scope, value and key all make another identifier', () => {
  const other = createIdentifierHash(Buffer.alloc(32, 4))
  const hashes = [
    hash('user', 'a', 'x'),
    hash('user', 'b', 'x'),
    hash('openid', 'a', 'x'),
    hash('user', 'a', 'y'),
    other('user', 'a', 'x'),
  ].map((identifier) => identifier.slice(identifier.lastIndexOf(':')))
  expect(new Set(hashes).size).toBe(5)
})
