// A bad record is a value with a reason from one closed list, never an exception.

export const rejectReasons = [
  'undecodable',
  'unknown-schema',
  'invalid',
  'too-old',
  'crashed',
  'refused-by-erp',
] as const

export type RejectReason = (typeof rejectReasons)[number]

export interface Reject {
  readonly rejected: RejectReason
  /** What is wrong, with the field's name; never personal data. */
  readonly detail: string
}

export function reject(rejected: RejectReason, detail: string): Reject {
  return { rejected, detail }
}

export function isReject(outcome: unknown): outcome is Reject {
  return typeof outcome === 'object' && outcome !== null && 'rejected' in outcome
}
