// POST /orders/:source: a signed order snapshot or a list of them.
import type { IncomingMessage } from 'node:http'
import type { OrderVerdict } from '../core/edge/order-from'
import { errorAnswer, type Answer } from '../runtime/answer'
import { parseJson, readBody } from '../runtime/request-body'
import type { AcceptOrders } from './accept-orders'
import type { Replays } from './replays'
import { checkSignature } from './signature'
import type { GatewaySource } from './sources'

export interface ReceiveOptions {
  readonly sources: readonly GatewaySource[]
  readonly accept: AcceptOrders
  readonly replays: Replays
  readonly now: () => number
  readonly bodyBytesMax: number
  readonly ordersMax: number
  readonly signatureAgeMaxSeconds: number
}

const retryAfterSeconds = 5
/** Checked instead of a source nobody knows, so that the delay does not tell which names exist. */
const nobodysSecrets = ['no source has this secret']

/**
 * 200 when every order is taken, 422 when only some are, 400 when none is: each with a verdict per order. What
 * is refused is money nobody counts, so nothing but full success is 2xx; sending the good ones again is harmless.
 */
export function createReceiveOrders(
  options: ReceiveOptions,
): (request: IncomingMessage, sourceName: string) => Promise<Answer> {
  const { replays, now, signatureAgeMaxSeconds } = options
  return async (request, sourceName) => {
    const body = await readBytes(request, options.bodyBytesMax)
    if ('status' in body) return body
    const source = options.sources.find(({ name }) => name === sourceName)
    const header = request.headers['x-tributary-signature']
    const signature = checkSignature({
      header: typeof header === 'string' ? header : undefined,
      body,
      secrets: source?.secrets ?? nobodysSecrets,
      nowMs: now(),
      ageMaxSeconds: signatureAgeMaxSeconds,
    })
    if ('fault' in signature) return errorAnswer(401, signature.fault)
    if (source === undefined) return errorAnswer(401, 'wrong signature')
    const snapshots = readSnapshots(body, options.ordersMax)
    if ('status' in snapshots) return snapshots
    const signed = `${source.name} ${signature.signed}`
    const repeated = replays.has(signed)
    const verdicts = await options.accept(snapshots, { source, repeated })
    if (verdicts === null) {
      const headers = { 'retry-after': String(retryAfterSeconds) }
      return errorAnswer(503, 'not taken: try again', { headers })
    }
    // An order refused for being ahead of its time may be right when the same request comes again.
    if (verdicts.every(({ order }) => order !== null)) {
      replays.remember(signed, signature.atMs + signatureAgeMaxSeconds * 1000)
    }
    return verdictAnswer(verdicts, repeated)
  }
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer | Answer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return errorAnswer(415, 'send the body without content-encoding')
  const reading = await readBody(request, maxBytes)
  if ('bytes' in reading) return reading.bytes
  return reading.refused === 'too large'
    ? errorAnswer(413, `body too large: at most ${maxBytes} bytes`)
    : errorAnswer(400, 'body cut short')
}

function readSnapshots(body: Buffer, ordersMax: number): readonly unknown[] | Answer {
  const value = parseJson(body)
  if (value === undefined) return errorAnswer(400, 'malformed JSON')
  const snapshots: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (snapshots.length === 0) return errorAnswer(400, 'no orders')
  if (snapshots.length <= ordersMax) return snapshots
  return errorAnswer(413, `too many orders: ${snapshots.length}, at most ${ordersMax}`)
}

function verdictAnswer(verdicts: readonly OrderVerdict[], repeated: boolean): Answer {
  const accepted = verdicts.filter(({ order }) => order !== null).length
  const rejected = verdicts.length - accepted
  const status = rejected === 0 ? 200 : accepted === 0 ? 400 : 422
  const orders = verdicts.map(({ orderKey, order, faults, warnings }, index) => ({
    index,
    order_key: orderKey,
    status: order === null ? 'rejected' : 'accepted',
    ...(faults.length > 0 && { faults }),
    ...(warnings.length > 0 && { warnings }),
  }))
  const error = rejected === 0 ? {} : { error: `${rejected} of ${verdicts.length} orders refused` }
  const duplicate = repeated ? { duplicate: true } : {}
  return { status, body: { ...error, ...duplicate, accepted, rejected, orders } }
}
