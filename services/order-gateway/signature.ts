// x-tributary-signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]: HMAC-SHA256 over `t.body`, the scheme payment
// webhooks made common. Over the raw bytes, since no two JSON libraries write one value alike; over the time, so
// that a copy is worth nothing later.
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface SignatureCheck {
  readonly header: string | undefined
  readonly body: Buffer
  readonly secrets: readonly string[]
  readonly nowMs: number
  readonly ageMaxSeconds: number
}

/** `signed` names this signature among all: a request repeated has the same. */
export type SignatureVerdict =
  { readonly signed: string; readonly atMs: number } | { readonly fault: string }

export function signatureOf(secret: string, timestamp: number, body: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest()
}

/** Whether one of the header's signatures is one of the secrets' and recent. Compares in constant time. */
export function checkSignature(check: SignatureCheck): SignatureVerdict {
  const { header, body, secrets, nowMs, ageMaxSeconds } = check
  const parsed = parseHeader(header)
  if (parsed === null) {
    return { fault: 'x-tributary-signature must be t=<unix seconds>,v1=<64 hex digits>' }
  }
  let signed: string | null = null
  for (const secret of secrets) {
    const expected = signatureOf(secret, parsed.timestamp, body)
    for (const given of parsed.signatures) {
      if (timingSafeEqual(expected, given)) signed = expected.toString('base64')
    }
  }
  if (signed === null) return { fault: 'wrong signature' }
  const ageSeconds = Math.round(nowMs / 1000 - parsed.timestamp)
  if (Math.abs(ageSeconds) > ageMaxSeconds) {
    const when = ageSeconds > 0 ? `${ageSeconds} s ago` : `${-ageSeconds} s ahead`
    return { fault: `signed ${when}, at most ${ageMaxSeconds} s are allowed: check the clock` }
  }
  return { signed, atMs: parsed.timestamp * 1000 }
}

const signaturesMax = 5

function parseHeader(
  header = '',
): { readonly timestamp: number; readonly signatures: readonly Buffer[] } | null {
  const pairs = header.split(',').map((part) => part.trim().split('=', 2))
  const timestamps = pairs.filter(([name]) => name === 't').map(([, value = '']) => value)
  const signatures = pairs.filter(([name]) => name === 'v1').map(([, value = '']) => value)
  const [timestamp = ''] = timestamps
  if (timestamps.length !== 1 || !/^\d{1,11}$/.test(timestamp)) return null
  if (signatures.length === 0 || signatures.length > signaturesMax) return null
  if (!signatures.every((value) => /^[0-9a-f]{64}$/i.test(value))) return null
  return {
    timestamp: Number(timestamp),
    signatures: signatures.map((value) => Buffer.from(value, 'hex')),
  }
}
