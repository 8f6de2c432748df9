import { addToDigest, hashId } from '../../../services/core/ledger/hash-id'

// Computed by ClickHouse 26.7.
test.each([
  ['', 0x02cc5d05106e08d9n],
  ['a', 0x550d745622d0b27cn],
  ['abc', 0x32d153ff1c94221bn],
  ['抖店-客户', 0xa54a4720358117f9n],
  ['0123456789abcdef', 0xc2c45b6955bca7acn],
  ['0123456789abcdef0', 0xaa9118bd6eac3c7en],
  ['douyin:flagship:1001', 0x91e225ee3d827d71n],
  ['a-much-longer-identifier-of-more-than-thirty-two-bytes-è', 0x65154bde12a5ddfcn],
])('the hash of "%s" is what ClickHouse makes of it', (id, hash) => {
  expect(hashId(id)).toBe(hash)
})

test('the digest of a set does not depend on the order of its ids', () => {
  const digestOf = (ids: readonly string[]): bigint =>
    ids.map(hashId).reduce((digest, hash) => addToDigest(digest, hash), 0n)
  const ids = Array.from({ length: 100 }, (_, index) => `id-${index}`)
  expect(digestOf(ids)).toBe(digestOf([...ids].reverse()))
  expect(digestOf(ids)).toBeLessThan(2n ** 64n)
  expect(digestOf(ids)).not.toBe(digestOf(ids.slice(1)))
})
