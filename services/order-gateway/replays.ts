// Remembers the requests whose orders are durable, so that a repetition is answered without a second produce.
// Only a saving: orders are whole snapshots, and one forgotten here is simply produced again.

export interface Replays {
  has(signed: string): boolean
  /** To be called only after the orders are durable. `expiresAt`: when the signature is too old to pass anyway. */
  remember(signed: string, expiresAt: number): void
}

export function createReplays(max: number, now: () => number): Replays {
  const expiries = new Map<string, number>()
  const forget = (): void => {
    // In order of arrival, which is nearly that of expiry.
    for (const [signed, expiresAt] of expiries) {
      if (expiries.size <= max && expiresAt > now()) return
      expiries.delete(signed)
    }
  }
  return {
    has: (signed) => (expiries.get(signed) ?? 0) > now(),
    remember: (signed, expiresAt) => {
      expiries.set(signed, expiresAt)
      forget()
    },
  }
}
