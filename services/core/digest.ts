// A content digest for telling whether something changed: 106 bits, fast, not meant against an adversary.
// Two runs of the cyrb53 mixer (public domain) over the text with different seeds.

const { imul } = Math

function mix(text: string, seed: number): string {
  let high = 0xdeadbeef ^ seed
  let low = 0x41c6ce57 ^ seed
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = imul(high ^ code, 2654435761)
    low = imul(low ^ code, 1597334677)
  }
  high = imul(high ^ (high >>> 16), 2246822507) ^ imul(low ^ (low >>> 13), 3266489909)
  low = imul(low ^ (low >>> 16), 2246822507) ^ imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36)
}

/** A short digest of a text. */
export function digestOf(text: string): string {
  return `${mix(text, 0)}${mix(text, 0x9e3779b9)}`
}
