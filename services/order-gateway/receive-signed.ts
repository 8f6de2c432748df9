// What every signed request goes through before anybody looks at what it says: limits, signature, its entries.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Fault } from '../core/edge/notes'
import { errorAnswer, type Answer } from '../runtime/answer'
import type { EdgeGuard } from '../runtime/edge-guard'
import { readBytes } from '../runtime/read-bytes'
import { parseJson } from '../runtime/request-body'
import type { Replays } from './replays'
import { checkSignature } from './signature'
import type { GatewaySource } from './sources'

export interface SignedOptions {
  readonly sources: readonly GatewaySource[]
  readonly replays: Replays
  readonly guard: EdgeGuard
  readonly now: () => number
  readonly bodyBytesMax: number
  readonly signatureAgeMaxSeconds: number
}

/** What a request holds: one entry, or a list of them. */
export interface Expected {
  /** What requests of one kind share and others have not: the same bytes may be signed for another kind. */
  readonly kind: string
  /** The entries, for people. */
  readonly noun: string
  readonly entriesMax: number
}

export interface SignedRequest {
  readonly source: GatewaySource
  readonly entries: readonly unknown[]
  /** The very same request is durable already. */
  readonly repeated: boolean
  /** To be called once all of it is durable. */
  readonly remember: () => void
}

/** Reads and checks a request: what it says, or the answer that refuses it. */
export type ReceiveSigned = (
  request: IncomingMessage,
  sourceName: string,
  expected: Expected,
) => Promise<SignedRequest | Answer>

export function createReceiveSigned(options: SignedOptions): ReceiveSigned {
  const { replays, guard, now, signatureAgeMaxSeconds } = options
  const verify = createVerify(options)
  return async (request, sourceName, expected) => {
    // Before the body is read: a forger costs neither memory nor a hash of a megabyte.
    const refusal = guard.tooManyFailures(request)
    if (refusal !== null) return refusal
    const body = await readBytes(request, guard.bodies, options.bodyBytesMax)
    if ('status' in body) return guard.failed(request, body)
    const verified = verify(request, { sourceName, body, nowMs: now() })
    if ('fault' in verified) return guard.failed(request, errorAnswer(401, verified.fault))
    const { source, atMs } = verified
    const entries = readEntries(body, expected)
    if ('status' in entries) return entries
    const tooMany = guard.tooMany(request, source, entries.length)
    if (tooMany !== null) return tooMany
    const signed = `${expected.kind} ${verified.signed}`
    return {
      source,
      entries,
      repeated: replays.has(signed),
      remember: () => {
        replays.remember(signed, atMs + signatureAgeMaxSeconds * 1000)
      },
    }
  }
}

const retryAfterSeconds = 5

/** Kafka is away and the spool full. */
export function notTaken(): Answer {
  const headers = { 'retry-after': String(retryAfterSeconds) }
  return errorAnswer(503, 'not taken: try again', { headers })
}

export interface EntryVerdict {
  readonly taken: boolean
  /** What names the entry. */
  readonly shown: Readonly<Record<string, string>>
  readonly faults: readonly Fault[]
  readonly warnings?: readonly Fault[]
}

/**
 * 200 when every entry is taken, 422 when only some are, 400 when none is: each with its verdict. What is refused is
 * money nobody counts, so nothing but full success is 2xx; sending the good ones again is harmless.
 */
export function verdictAnswer(
  verdicts: readonly EntryVerdict[],
  { noun, repeated }: { readonly noun: string; readonly repeated: boolean },
): Answer {
  const accepted = verdicts.filter(({ taken }) => taken).length
  const rejected = verdicts.length - accepted
  const status = rejected === 0 ? 200 : accepted === 0 ? 400 : 422
  const entries = verdicts.map(({ taken, shown, faults, warnings = [] }, index) => ({
    index,
    ...shown,
    status: taken ? 'accepted' : 'rejected',
    ...(faults.length > 0 && { faults }),
    ...(warnings.length > 0 && { warnings }),
  }))
  const error = rejected === 0 ? {} : { error: `${rejected} of ${verdicts.length} ${noun} refused` }
  const duplicate = repeated ? { duplicate: true } : {}
  return { status, body: { ...error, ...duplicate, accepted, rejected, [noun]: entries } }
}

interface Signed {
  readonly source: GatewaySource
  /** Names this signature among all. */
  readonly signed: string
  readonly atMs: number
}

type Verify = (
  request: IncomingMessage,
  given: { readonly sourceName: string; readonly body: Buffer; readonly nowMs: number },
) => Signed | { readonly fault: string }

/** Checks signatures. Each source is checked against the same number of secrets, and an unknown one too, so that
 * the delay does not tell which names exist. */
function createVerify({ sources, signatureAgeMaxSeconds: ageMaxSeconds }: SignedOptions): Verify {
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

function readEntries(body: Buffer, { noun, entriesMax }: Expected): readonly unknown[] | Answer {
  const value = parseJson(body)
  if (value === undefined) return errorAnswer(400, 'malformed JSON')
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (entries.length === 0) return errorAnswer(400, `no ${noun}`)
  if (entries.length <= entriesMax) return entries
  return errorAnswer(413, `too many ${noun}: ${entries.length}, at most ${entriesMax}`)
}
