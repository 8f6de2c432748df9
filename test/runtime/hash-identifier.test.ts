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

test.each([32, 64, 65, 200])(
  'an identifier under a key of %i bytes is what node:crypto says',
  (bytes) => {
    const given = Buffer.alloc(bytes, 'key of many bytes')
    const identifier = createIdentifierHash(given)
    // One after the other: a long text must leave nothing behind for the next.
    for (const text of [
      '',
      'a',
      '微信',
      '\ud83d\ude00',
      '\ud800',
      'x'.repeat(200),
      'y'.repeat(5_000),
      '中',
    ]) {
      const digest = createHmac('sha256', given).update(`device||${text}`).digest()
      const expected = digest.subarray(0, 16).toString('base64url')
      expect(identifier('device', '', text)).toBe(`device:${expected}`)
    }
  },
)
