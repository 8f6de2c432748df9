// POST /orders/:source: a signed order snapshot or a list of them.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { OrderVerdict } from '../core/edge/order-from'
import { errorAnswer, type Answer } from '../runtime/answer'
import type { EdgeGuard } from '../runtime/edge-guard'
import { readBytes } from '../runtime/read-bytes'
import { parseJson } from '../runtime/request-body'
import type { AcceptOrders } from './accept-orders'
import type { Replays } from './replays'
import { checkSignature } from './signature'
import type { GatewaySource } from './sources'

export interface ReceiveOptions {
  readonly sources: readonly GatewaySource[]
  readonly accept: AcceptOrders
  readonly replays: Replays
  readonly guard: EdgeGuard
  readonly now: () => number
  readonly bodyBytesMax: number
  readonly ordersMax: number
  readonly signatureAgeMaxSeconds: number
}

const retryAfterSeconds = 5

/**
 * 200 when every order is taken, 422 when only some are, 400 when none is: each with a verdict per order. What
 * is refused is money nobody counts, so nothing but full success is 2xx; sending the good ones again is harmless.
 */
export function createReceiveOrders(
  options: ReceiveOptions,
): (request: IncomingMessage, sourceName: string) => Promise<Answer> {
  const { replays, guard, now, signatureAgeMaxSeconds } = options
  const verify = createVerify(options)
  return async (request, sourceName) => {
    // Before the body is read: a forger costs neither memory nor a hash of a megabyte.
    const refusal = guard.tooManyFailures(request)
    if (refusal !== null) return refusal
    const body = await readBytes(request, guard.bodies, options.bodyBytesMax)
    if ('status' in body) return guard.failed(request, body)
    const verified = verify(request, { sourceName, body, nowMs: now() })
    if ('fault' in verified) return guard.failed(request, errorAnswer(401, verified.fault))
    const { source, signed, atMs } = verified
    const snapshots = readSnapshots(body, options.ordersMax)
    if ('status' in snapshots) return snapshots
    const tooMany = guard.tooMany(request, source, snapshots.length)
    if (tooMany !== null) return tooMany
    const repeated = replays.has(signed)
    const verdicts = await options.accept(snapshots, { source, repeated })
    if (verdicts === null) {
      const headers = { 'retry-after': String(retryAfterSeconds) }
      return errorAnswer(503, 'not taken: try again', { headers })
    }
    // An order refused for being ahead of its time may be right when the same request comes again.
    if (verdicts.every(({ order }) => order !== null)) {
      replays.remember(signed, atMs + signatureAgeMaxSeconds * 1000)
    }
    return verdictAnswer(verdicts, repeated)
  }
}

interface Signed {
  readonly source: GatewaySource
  /** Names this request among all. */
  readonly signed: string
  readonly atMs: number
}

type Verify = (
  request: IncomingMessage,
  given: { readonly sourceName: string; readonly body: Buffer; readonly nowMs: number },
) => Signed | { readonly fault: string }

/** Checks signatures. Each source is checked against the same number of secrets, and an unknown one too, so that
 * the delay does not tell which names exist. */
function createVerify({ sources, signatureAgeMaxSeconds: ageMaxSeconds }: ReceiveOptions): Verify {
  const secretsMost = Math.max(...sources.map(({ secrets }) => secrets.length))
  const nobodys = Array.from({ length: secretsMost }, () => randomBytes(32).toString('hex'))
  const known = new Map(sources.map((source) => [source.name, source]))
  return (request, { sourceName, body, nowMs }) => {
    const source = known.get(sourceName)
    const header = request.headers['x-tributary-signature']
    const signature = checkSignature({
      header: typeof header === 'string' ? header : undefined,
      body,
      secrets: [...(source?.secrets ?? []), ...nobodys].slice(0, secretsMost),
      nowMs,
      ageMaxSeconds,
    })
    if ('fault' in signature) return signature
    if (source === undefined) return { fault: 'wrong signature' }
    return { source, signed: `${source.name} ${signature.signed}`, atMs: signature.atMs }
  }
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
