// The body of a request, or the answer to a request whose body cannot be had.
import type { IncomingMessage } from 'node:http'
import { errorAnswer, type Answer } from './answer'
import type { Bodies } from './request-body'

/** At most `maxBytes` bytes, not compressed: a small body must not become a large one. */
export async function readBytes(
  request: IncomingMessage,
  bodies: Bodies,
  maxBytes: number,
): Promise<Buffer | Answer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return errorAnswer(415, 'send the body without content-encoding')
  const reading = await bodies.read(request, maxBytes)
  if ('bytes' in reading) return reading.bytes
  switch (reading.refused) {
    case 'too large':
      return errorAnswer(413, `body too large: at most ${maxBytes} bytes`)
    case 'crowded':
      return errorAnswer(503, 'busy: try again', {
        headers: { 'retry-after': '1', connection: 'close' },
      })
    case 'aborted':
      return errorAnswer(400, 'body cut short')
  }
}
