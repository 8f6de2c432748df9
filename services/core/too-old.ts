// Which orders come too late to be told from new ones.
import type { Order } from './records'
import { reject, type Reject } from './reject'
import { orderAgeMaxMs } from './retention'

const dayMs = 86_400_000

/** Past this age an order may have left the store: it would be counted as a new one. */
export function tooOld({
  accepted_at: acceptedAt,
  created_at: createdAt,
}: Order): Reject | undefined {
  if (acceptedAt - createdAt <= orderAgeMaxMs) return undefined
  const days = (ms: number): number => Math.floor(ms / dayMs)
  return reject(
    'too-old',
    `created_at: ${days(acceptedAt - createdAt)} days before acceptance, at most ${days(orderAgeMaxMs)}`,
  )
}
