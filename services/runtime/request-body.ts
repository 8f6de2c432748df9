// Request bodies of the edges as raw bytes: a signature is over bytes, and the hot path needs no parser stack.
import type { IncomingMessage } from 'node:http'

export type BodyReading = { readonly bytes: Buffer } | { readonly refused: 'too large' | 'aborted' }

/** How much of a refused body is read on, so that the client gets to see the answer instead of a reset. */
const drainedFactor = 8

/** Reads a body of at most `maxBytes`. Beyond it the rest is drained, up to a point, and thrown away. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyReading> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const drainedMax = maxBytes * drainedFactor
    if (Number(request.headers['content-length'] ?? 0) > drainedMax) {
      resolve({ refused: 'too large' })
      return
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      else chunks.length = 0
      if (size > drainedMax) resolve({ refused: 'too large' })
    })
    request.once('end', () => {
      resolve(size > maxBytes ? { refused: 'too large' } : { bytes: Buffer.concat(chunks) })
    })
    request.once('close', () => {
      resolve({ refused: 'aborted' })
    })
    request.once('error', () => {
      resolve({ refused: 'aborted' })
    })
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The JSON value of UTF-8 bytes; undefined when they are none. The parser's own words quote the text and are
 * therefore never passed on. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown
  } catch {
    // Not UTF-8 or not JSON: the caller names it; which byte it was is the client's own affair.
    return undefined
  }
}
