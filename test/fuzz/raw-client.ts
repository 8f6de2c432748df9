// Speaks to an edge in bytes, well-formed or not: what an HTTP client would never send is what has to be tried.
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** The answers in some bytes, and what is left over. 1xx are passed over.
 * @throws when the bytes are no answers */
export function answersIn(bytes: Buffer): { readonly answers: RawAnswer[]; readonly rest: Buffer } {
  const answers: RawAnswer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const [first = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
    if (Number.isNaN(status)) throw new Error(`no answer: ${first}`)
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const bodyAt = end + 4
    const length = Number(headers.get('content-length') ?? 0)
    if (bytes.length < bodyAt + length) break
    if (status >= 200) {
      answers.push({ status, headers, body: bytes.subarray(bodyAt, bodyAt + length) })
    }
    at = bodyAt + length
  }
  return { answers, rest: bytes.subarray(at) }
}

/** Sends bytes on a connection of their own, says no more, and reads until the edge hangs up. */
export function sendRaw(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The edge hung up while bytes were still coming: nothing else was to be expected.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.once('close', () => {
      resolve(Buffer.concat(chunks))
    })
    socket.end(bytes)
  })
}

/** Keeps one connection and sends well-framed requests on it, many at once. */
export class PipelinedClient {
  readonly #port: number
  #socket: Socket | null = null

  constructor(port: number) {
    this.#port = port
  }

  /** The answer to each request, in their order; on a new connection from where the edge closes the old one. */
  async send(requests: readonly Buffer[]): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = []
    while (answers.length < requests.length) {
      const before = answers.length
      // An old connection may have been idle for too long.
      const isFresh = this.#socket === null
      answers.push(...(await this.#sendOnce(requests.slice(before))))
      if (isFresh && answers.length === before) {
        throw new Error('the edge hung up without an answer')
      }
    }
    return answers
  }

  #sendOnce(requests: readonly Buffer[]): Promise<RawAnswer[]> {
    const socket = (this.#socket ??= connect(this.#port, '127.0.0.1'))
    const answers: RawAnswer[] = []
    let pending: Buffer = Buffer.alloc(0)
    return new Promise((resolve, reject) => {
      const done = (): void => {
        socket.removeAllListeners()
        socket.on('error', () => undefined)
        socket.once('close', () => {
          if (this.#socket === socket) this.#socket = null
        })
        resolve(answers)
      }
      socket.on('data', (chunk) => {
        const read = answersIn(pending.length === 0 ? chunk : Buffer.concat([pending, chunk]))
        pending = read.rest
        answers.push(...read.answers)
        if (answers.length > requests.length) reject(new Error('more answers than requests'))
        const isLast = read.answers.at(-1)?.headers.get('connection') === 'close'
        if (answers.length === requests.length && !isLast) done()
      })
      socket.on('error', () => undefined)
      socket.once('close', () => {
        this.#socket = null
        done()
      })
      socket.write(Buffer.concat(requests))
    })
  }

  close(): void {
    this.#socket?.destroy()
  }
}
