// Request bodies of the edges as raw bytes: a signature is over bytes, and the hot path needs no parser stack.
// All of them together are bounded, for ten thousand clients may each begin a body of the largest size.
import type { IncomingMessage } from 'node:http'

export type BodyReading =
  | { readonly bytes: Buffer }
  /** crowded: the bytes are needed for faster clients. */
  | { readonly refused: 'too large' | 'aborted' | 'crowded' }

export interface BodyEvents {
  /** Bytes held by all bodies. */
  readonly changed: (heldBytes: number) => void
  /** One gave way to others. */
  readonly gaveWay: () => void
}

/** How much of a refused body is read on, so that the client gets to see the answer instead of a reset. */
const drainedFactor = 8
const roomBytesMin = 1_024

interface Body {
  readonly maxBytes: number
  /** Grown by doubling: a list of chunks costs a hundred times their bytes when a client sends them one by one. */
  room: Buffer
  size: number
  /** Bytes counted against the bound. */
  held: number
}

/**
 * Bodies of at most `bytesMax` together. When a body needs bytes that are not there, those still arriving give way,
 * the one begun first before others: an honest client's body arrives at once, a slow one has had its time.
 */
export class Bodies {
  readonly #bytesMax: number
  readonly #events: BodyEvents
  readonly #all = new Map<IncomingMessage, Body>()
  /** Still arriving, first begun first, each with what ends it. */
  readonly #arriving = new Map<IncomingMessage, (reading: BodyReading) => void>()
  #heldBytes = 0

  constructor(bytesMax: number, events: BodyEvents) {
    this.#bytesMax = bytesMax
    this.#events = events
  }

  /** Reads a body of at most `maxBytes`. Beyond it the rest is drained, up to a point, and thrown away. */
  read(request: IncomingMessage, maxBytes: number): Promise<BodyReading> {
    return new Promise((resolve) => {
      const drainedMax = maxBytes * drainedFactor
      if (Number(request.headers['content-length'] ?? 0) > drainedMax) {
        resolve({ refused: 'too large' })
        return
      }
      const body: Body = { maxBytes, room: Buffer.alloc(0), size: 0, held: 0 }
      let received = 0
      const end = (reading: BodyReading): void => {
        if (!this.#arriving.delete(request)) return
        if ('refused' in reading) this.release(request)
        resolve(reading)
      }
      this.#all.set(request, body)
      this.#arriving.set(request, end)
      request.on('data', (chunk: Buffer) => {
        received += chunk.length
        if (received > maxBytes) {
          this.release(request)
          if (received > drainedMax) end({ refused: 'too large' })
        } else if (this.#all.has(request) && !this.#append(request, body, chunk)) {
          this.#giveWay(end)
        }
      })
      request.once('end', () => {
        if (received > maxBytes) end({ refused: 'too large' })
        else end({ bytes: body.room.subarray(0, body.size) })
      })
      for (const event of ['close', 'error']) {
        request.once(event, () => {
          end({ refused: 'aborted' })
        })
      }
    })
  }

  /** To be called when a request is answered: until then its body may be in use. */
  release(request: IncomingMessage): void {
    const body = this.#all.get(request)
    if (body === undefined) return
    this.#all.delete(request)
    body.room = Buffer.alloc(0)
    this.#hold(body, 0)
  }

  /** False when there is no room. */
  #append(request: IncomingMessage, body: Body, chunk: Buffer): boolean {
    const size = body.size + chunk.length
    if (size > body.room.length) {
      const wanted = body.size === 0 ? chunk.length : Math.max(size, body.room.length * 2)
      const bytes = Math.min(Math.max(wanted, roomBytesMin), body.maxBytes)
      if (!this.#makeRoom(bytes - body.held, request)) return false
      this.#hold(body, bytes)
      const room = Buffer.allocUnsafeSlow(bytes)
      body.room.copy(room, 0, 0, body.size)
      body.room = room
    }
    chunk.copy(body.room, body.size)
    body.size = size
    return true
  }

  /** Whether `bytes` more can be held, others having given way if need be. */
  #makeRoom(bytes: number, request: IncomingMessage): boolean {
    for (const [slow, end] of this.#arriving) {
      if (this.#heldBytes + bytes <= this.#bytesMax) break
      if (slow !== request) this.#giveWay(end)
    }
    return this.#heldBytes + bytes <= this.#bytesMax
  }

  #giveWay(end: (reading: BodyReading) => void): void {
    this.#events.gaveWay()
    end({ refused: 'crowded' })
  }

  #hold(body: Body, bytes: number): void {
    this.#heldBytes += bytes - body.held
    body.held = bytes
    this.#events.changed(this.#heldBytes)
  }
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
