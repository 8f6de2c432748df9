// What the fault proxy understands of Kafka's protocol: frames, request headers, and where brokers say they are. It
// leads clients that asked it for the cluster back to itself, so any broker can be put behind it as it is.
import assert from 'node:assert/strict'

/** Request kinds by their number on the wire. */
export const kafkaApi = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14,
  apiVersions: 18,
  initProducerId: 22,
  addPartitionsToTransaction: 24,
  endTransaction: 26,
} as const

export interface KafkaRequest {
  readonly api: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string
  /** What follows the header. */
  readonly body: Buffer
}

export interface KafkaResponse {
  readonly request: KafkaRequest
  /** What follows the correlation id. */
  readonly body: Buffer
}

/** What becomes of a frame: it goes on, it is lost, all connections through it end, or its body is another one. */
export type Verdict = 'pass' | 'swallow' | 'cut' | Buffer

/** Asked for every frame, in order; while an answer is awaited nothing of that connection goes on. */
export interface KafkaHook {
  readonly request?: (request: KafkaRequest) => Verdict | Promise<Verdict>
  readonly response?: (response: KafkaResponse) => Verdict | Promise<Verdict>
}

/** What goes on in each direction of one connection. */
export interface Wire {
  'to-server'(chunk: Buffer): AsyncIterable<Buffer | 'cut'>
  'to-client'(chunk: Buffer): AsyncIterable<Buffer | 'cut'>
}

/** @returns what makes the wire of each connection to the broker that listens at `upstreamPort` */
export function kafkaWire(hooks: ReadonlySet<KafkaHook>, ports: PortPair): () => Wire {
  return () => {
    const requests = splitFrames()
    const responses = splitFrames()
    const waiting = new Map<number, KafkaRequest>()
    return {
      async *'to-server'(chunk) {
        for (const frame of requests(chunk)) {
          const request = requestOf(frame)
          const verdict = await judge(hooks, ({ request: ask }) => ask?.(request))
          if (verdict === 'swallow') continue
          if (verdict === 'cut') {
            yield 'cut'
            return
          }
          waiting.set(request.correlationId, request)
          const header = frame.subarray(0, frame.length - request.body.length)
          yield framed(header, verdict === 'pass' ? request.body : verdict)
        }
      },
      async *'to-client'(chunk) {
        for (const frame of responses(chunk)) {
          const request = waiting.get(frame.readInt32BE(0))
          assert(request !== undefined, 'the broker answered what nobody asked')
          waiting.delete(request.correlationId)
          const body = frame.subarray(4)
          leadBack(request, body, ports)
          const verdict = await judge(hooks, ({ response: ask }) => ask?.({ request, body }))
          if (verdict === 'swallow') continue
          if (verdict === 'cut') {
            yield 'cut'
            return
          }
          yield framed(frame.subarray(0, 4), verdict === 'pass' ? body : verdict)
        }
      },
    }
  }
}

export interface PortPair {
  readonly upstreamPort: number
  readonly proxyPort: number
}

async function judge(
  hooks: ReadonlySet<KafkaHook>,
  ask: (hook: KafkaHook) => Verdict | Promise<Verdict> | undefined,
): Promise<Verdict> {
  for (const hook of [...hooks]) {
    const verdict = (await ask(hook)) ?? 'pass'
    if (verdict !== 'pass') return verdict
  }
  return 'pass'
}

function splitFrames(): (chunk: Buffer) => Generator<Buffer> {
  let kept = Buffer.alloc(0)
  return function* (chunk) {
    kept = Buffer.concat([kept, chunk])
    while (kept.length >= 4 && kept.length >= 4 + kept.readInt32BE(0)) {
      const end = 4 + kept.readInt32BE(0)
      const frame = kept.subarray(4, end)
      kept = kept.subarray(end)
      yield frame
    }
  }
}

function framed(header: Buffer, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(header.length + body.length)
  return Buffer.concat([length, header, body])
}

function requestOf(frame: Buffer): KafkaRequest {
  const clientIdLength = Math.max(0, frame.readInt16BE(8))
  return {
    api: frame.readInt16BE(0),
    version: frame.readInt16BE(2),
    correlationId: frame.readInt32BE(4),
    clientId: frame.subarray(10, 10 + clientIdLength).toString(),
    body: frame.subarray(10 + clientIdLength),
  }
}

/** Puts the proxy's port in the place of the broker's wherever a response names it. */
function leadBack({ api, version }: KafkaRequest, body: Buffer, ports: PortPair): void {
  const lead = (at: number): void => {
    if (body.readInt32BE(at) === ports.upstreamPort) body.writeInt32BE(ports.proxyPort, at)
  }
  const afterText = (at: number): number => at + 2 + Math.max(0, body.readInt16BE(at))
  if (api === kafkaApi.metadata) {
    assert(version <= 8, `metadata version ${version} is not understood`)
    let at = version >= 3 ? 4 : 0
    const brokers = body.readInt32BE(at)
    at += 4
    for (let broker = 0; broker < brokers; broker += 1) {
      const port = afterText(at + 4)
      lead(port)
      at = version >= 1 ? afterText(port + 4) : port + 4
    }
  } else if (api === kafkaApi.findCoordinator) {
    assert(version <= 2, `coordinator version ${version} is not understood`)
    const node = version >= 1 ? afterText(6) : 2
    lead(afterText(node + 4))
  }
}
