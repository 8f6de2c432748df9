// murmur2 as Java's and kafkajs's default partitioners compute it, so that every producer agrees with the
// stages on where a key lives. A test compares it with kafkajs's own.

const { imul } = Math
const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/** Signed 32 bits, of bytes or of a text whose characters are bytes. */
export function murmur2(data: Uint8Array | string): number {
  const length = data.length
  let hash = seed ^ length
  const blocks = length >> 2
  for (let block = 0; block < blocks; block += 1) {
    const at = block * 4
    let word =
      byteAt(data, at) |
      (byteAt(data, at + 1) << 8) |
      (byteAt(data, at + 2) << 16) |
      (byteAt(data, at + 3) << 24)
    word = imul(word, multiplier)
    word ^= word >>> 24
    hash = imul(hash, multiplier) ^ imul(word, multiplier)
  }
  const rest = blocks * 4
  const left = length - rest
  if (left > 2) hash ^= byteAt(data, rest + 2) << 16
  if (left > 1) hash ^= byteAt(data, rest + 1) << 8
  if (left > 0) hash = imul(hash ^ byteAt(data, rest), multiplier)
  hash = imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

function byteAt(data: Uint8Array | string, index: number): number {
  return typeof data === 'string' ? data.charCodeAt(index) : (data[index] ?? 0)
}

/** The partition of a key, of `partitions` in all; of a text it is that of its UTF-8 bytes. */
export function partitionOf(key: Uint8Array | string, partitions: number): number {
  const bytes = typeof key === 'string' && !isAscii(key) ? Buffer.from(key) : key
  return (murmur2(bytes) & 0x7fffffff) % partitions
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}
