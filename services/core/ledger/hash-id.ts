// The hash by which the ledger compares sets of ids: 64 bits that ClickHouse computes alike, as
// `bitOr(bitShiftLeft(toUInt64(xxHash32(id)), 32), toUInt64(kafkaMurmurHash(id)))`. Two hashes of 32 bits, because
// one of 64 needs BigInt arithmetic, which is some ten times slower. A set's digest is the sum modulo 2^64.
import { murmur2 } from '../partition'

const { imul } = Math
const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

const encoder = new TextEncoder()

/** Unsigned. */
export function hashId(id: string): bigint {
  const bytes = encoder.encode(id)
  return (BigInt(xxHash32(bytes)) << 32n) | BigInt(murmur2(bytes) & 0x7fffffff)
}

/** The digest of a set after one more id. */
export function addToDigest(digest: bigint, hash: bigint): bigint {
  return BigInt.asUintN(64, digest + hash)
}

/** With seed 0, as ClickHouse has it. */
function xxHash32(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const { length } = data
  let at = 0
  let hash = prime5
  if (length >= 16) {
    const lanes = [prime1 + prime2, prime2, 0, -prime1]
    for (; at + 16 <= length; at += 16) {
      for (let lane = 0; lane < 4; lane += 1) {
        const mixed = (lanes[lane] ?? 0) + imul(view.getUint32(at + lane * 4, true), prime2)
        lanes[lane] = imul(rotate(mixed, 13), prime1)
      }
    }
    const [a = 0, b = 0, c = 0, d = 0] = lanes
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
  }
  hash = (hash + length) | 0
  for (; at + 4 <= length; at += 4) {
    hash = imul(rotate(hash + imul(view.getUint32(at, true), prime3), 17), prime4)
  }
  for (; at < length; at += 1) {
    hash = imul(rotate(hash + imul(view.getUint8(at), prime5), 11), prime1)
  }
  hash = imul(hash ^ (hash >>> 15), prime2)
  hash = imul(hash ^ (hash >>> 13), prime3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
