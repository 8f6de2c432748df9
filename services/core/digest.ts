// A content digest for telling whether something changed: 106 bits, fast, not meant against an adversary.
// Two runs of the cyrb53 mixer (public domain) over the text with different seeds, in one pass.

const { imul } = Math
const secondSeed = 0x9e3779b9

/** A short digest of a text. */
export function digestOf(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  let otherHigh = 0xdeadbeef ^ secondSeed
  let otherLow = 0x41c6ce57 ^ secondSeed
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = imul(high ^ code, 2654435761)
    low = imul(low ^ code, 1597334677)
    otherHigh = imul(otherHigh ^ code, 2654435761)
    otherLow = imul(otherLow ^ code, 1597334677)
  }
  return finish(high, low) + finish(otherHigh, otherLow)
}

/** What `digestOf` of a text begins with, in half the time: all of its first mixer. */
export function digestHeadOf(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = imul(high ^ code, 2654435761)
    low = imul(low ^ code, 1597334677)
  }
  return finish(high, low)
}

function finish(high: number, low: number): string {
  const mixed = imul(high ^ (high >>> 16), 2246822507) ^ imul(low ^ (low >>> 13), 3266489909)
  const other = imul(low ^ (low >>> 16), 2246822507) ^ imul(mixed ^ (mixed >>> 13), 3266489909)
  return base36(4294967296 * (2097151 & other) + (mixed >>> 0))
}

const zero = '0'.charCodeAt(0)
const digits = Uint8Array.from(Array.from('0123456789abcdefghijklmnopqrstuvwxyz'), (digit) =>
  digit.charCodeAt(0),
)
const quad = 36 ** 4

/** What `toString(36)` says of a whole number below 2^53, in an eighth of the time. */
function base36(number: number): string {
  const high = Math.floor(number / quad ** 2)
  const middle = Math.floor(number / quad) % quad
  const low = number % quad
  // Eleven digits at most, and one text: parts put together are garbage.
  const text = String.fromCharCode(
    digitOf(high, 1_296),
    digitOf(high, 36),
    digitOf(high, 1),
    digitOf(middle, 46_656),
    digitOf(middle, 1_296),
    digitOf(middle, 36),
    digitOf(middle, 1),
    digitOf(low, 46_656),
    digitOf(low, 1_296),
    digitOf(low, 36),
    digitOf(low, 1),
  )
  let start = 0
  while (start < text.length - 1 && text.charCodeAt(start) === zero) start += 1
  return start === 0 ? text : text.slice(start)
}

function digitOf(number: number, unit: number): number {
  return digits[Math.floor(number / unit) % 36] ?? zero
}
