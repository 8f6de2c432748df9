// A token bucket as one number: the moment at which it would be full again (GCRA, as ATM switches police cells).

export interface Rate {
  readonly perSecond: number
  /** Seconds' worth of tokens that may be spent at once. */
  readonly burstSeconds: number
}

/** Milliseconds until the bucket holds a token again; 0 when it does. `fullAt` is undefined for a new bucket. */
export function waitOf(fullAt: number | undefined, rate: Rate, nowMs: number): number {
  return takeTokens(fullAt, { rate, nowMs, cost: 1 }).waitMs
}

/**
 * The bucket after taking `cost` tokens, and how long to wait when they are not there: nothing is taken then. A
 * cost beyond the whole bucket takes the whole bucket, or it could never be paid.
 */
export function takeTokens(
  fullAt: number | undefined,
  taking: { readonly rate: Rate; readonly nowMs: number; readonly cost: number },
): { readonly fullAt: number; readonly waitMs: number } {
  const { rate, nowMs } = taking
  const burst = burstMs(rate)
  const cost = Math.min(taking.cost, (burst / 1_000) * rate.perSecond)
  const taken = afterTaking(fullAt, { ...taking, cost })
  // A fraction of a millisecond is rounding, not debt.
  const waitMs = Math.max(0, Math.ceil(taken - nowMs - burst - 1e-3))
  return waitMs === 0 ? { fullAt: taken, waitMs } : { fullAt: fullAt ?? nowMs, waitMs }
}

function afterTaking(
  fullAt: number | undefined,
  { rate, nowMs, cost }: { readonly rate: Rate; readonly nowMs: number; readonly cost: number },
): number {
  return Math.max(fullAt ?? nowMs, nowMs) + (cost * 1_000) / rate.perSecond
}

/** A bucket holds one token at least. */
function burstMs({ perSecond, burstSeconds }: Rate): number {
  return Math.max(burstSeconds * 1_000, 1_000 / perSecond)
}
