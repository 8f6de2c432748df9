// Which orders come too late to be told from new ones.
import type { Order } from './records'
import { reject, type Reject } from './reject'
import { orderAgeMaxMs } from './retention'

const dayMs = 86_400_000

/**
 * Past this age an order may have left the store: it would be counted as a new one. What counts is when the snapshot
 * was accepted and when it reached its topic, whichever is later: a dead letter that is replayed and a spool that was
 * away for long have waited in between. Whether the order is known has no say: that depends on when somebody looked.
 * @param appendedAt epoch ms at which the record reached its topic; 0 while unknown
 */
export function tooOld(
  { accepted_at: acceptedAt, created_at: createdAt }: Order,
  appendedAt: number,
): Reject | undefined {
  const ageMs = Math.max(acceptedAt, appendedAt) - createdAt
  if (ageMs <= orderAgeMaxMs) return undefined
  const days = (ms: number): number => Math.floor(ms / dayMs)
  const when = appendedAt > acceptedAt ? 'before it reached its topic' : 'before acceptance'
  return reject(
    'too-old',
    `created_at: ${days(ageMs)} days ${when}, at most ${days(orderAgeMaxMs)}`,
  )
}
