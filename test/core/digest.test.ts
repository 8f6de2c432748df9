// The digest stands in keys of the state and in ids: what it says of a text must never change.
import fc from 'fast-check'
import { digestHeadOf, digestOf } from '../../services/core/digest'

test.each([
  ['', digestBySpelling('')],
  ['phone:a visitor:b', digestBySpelling('phone:a visitor:b')],
])('the digest of %j is what it always was', (text, expected) => {
  expect(digestOf(text)).toBe(expected)
})

test('a digest is two runs of the mixer, each in base 36', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(digestOf(text)).toBe(digestBySpelling(text))
      expect(digestHeadOf(text)).toBe(cyrb53(text, 0).toString(36))
    }),
    { numRuns: 2_000 },
  )
})

/** As the mixer is published, once for each seed. */
function digestBySpelling(text: string): string {
  return [0, 0x9e3779b9].map((seed) => cyrb53(text, seed).toString(36)).join('')
}

function cyrb53(text: string, seed: number): number {
  let h1 = 0xdeadbeef ^ seed
  let h2 = 0x41c6ce57 ^ seed
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    h1 = Math.imul(h1 ^ code, 2654435761)
    h2 = Math.imul(h2 ^ code, 1597334677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909)
  return 4294967296 * (2097151 & h2) + (h1 >>> 0)
}
