// Times as clients send them: epoch milliseconds, or ISO 8601 with its zone. A time without a zone would mean
// something else on every machine, so it is no time at all.

const iso = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

/** Year 2286 in seconds, 1970-04-26 in milliseconds: whatever is smaller was meant as seconds. */
const likelySeconds = 10_000_000_000

export type InstantReading = { readonly ms: number } | { readonly fault: string }

export function readInstant(value: unknown): InstantReading {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) {
      return { fault: 'must be whole epoch milliseconds' }
    }
    if (value < likelySeconds) return { fault: 'must be epoch milliseconds, not seconds' }
    return value <= 8.64e15 ? { ms: value } : { fault: 'is too far in the future' }
  }
  const date = typeof value === 'string' ? iso.exec(value.trim())?.[1] : undefined
  if (date === undefined) {
    return { fault: 'must be epoch milliseconds or ISO 8601 with a zone (Z or +08:00)' }
  }
  const ms = Date.parse((value as string).trim())
  // Date.parse rolls 31 February over into March.
  const midnight = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(ms) || Number.isNaN(midnight)) return { fault: 'is no date' }
  if (new Date(midnight).toISOString().slice(0, 10) !== date) return { fault: 'is no date' }
  return ms < 0 ? { fault: 'lies before 1970' } : { ms }
}
