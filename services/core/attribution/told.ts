// When an order was first told to have converted. An order may be told long after it converted; by then touches have
// left the store, and which of them must not depend on when somebody last looked after it. So only those touches
// count that were accepted not too long before the order was told: the same whether older ones are still there.
import { eventAgeMaxMs } from '../edge/event-time'
import type { Finding, Order, OrderEntry } from '../records'
import { touchReachMs } from '../retention'
import { conversionTime } from './attribute'
import { longestWindowMs } from './settings'
import type { AppliedSettings } from './applied-settings'

const dayMs = 86_400_000

/** Earliest acceptance, in epoch ms, of a snapshot that told a moment: `created <ms>` or `paid <ms>`. */
export type Told = Readonly<Record<string, number>>

/** What one snapshot tells. */
export function toldBy({ created_at: createdAt, paid_at: paidAt, accepted_at: at }: Order): Told {
  const created = { [`created ${createdAt}`]: at }
  return paidAt === null ? created : { ...created, [`paid ${paidAt}`]: at }
}

/** What several snapshots tell, whichever came first. */
export function mergeTold(one: Told, other: Told): Told {
  const merged: Record<string, number> = { ...one }
  for (const [moment, at] of Object.entries(other)) {
    merged[moment] = Math.min(merged[moment] ?? at, at)
  }
  return merged
}

/** Touches accepted earlier than this do not count for the order; epoch ms. */
export function touchesCountFrom(entry: OrderEntry, applied: AppliedSettings): number {
  return toldAt(entry, applied) - touchReachMs(longestWindowMs(applied.settings))
}

/** Says so where a conversion was told later than events may be, since touches may be missing from its journey. */
export function lateFinding(entry: OrderEntry, applied: AppliedSettings): Finding | null {
  const lateMs = toldAt(entry, applied) - applied.at
  if (lateMs <= eventAgeMaxMs) return null
  const reachDays = Math.floor(touchReachMs(longestWindowMs(applied.settings)) / dayMs)
  return {
    subject: entry.order.order_key,
    kind: 'told_late',
    detail:
      `told ${Math.floor(lateMs / dayMs)} days after its conversion: ` +
      `touches accepted more than ${reachDays} days before do not count`,
  }
}

function toldAt({ order, told }: OrderEntry, { settings, at }: AppliedSettings): number {
  const isPaid = settings.conversion === 'paid' && conversionTime(order, settings) !== null
  return told[`${isPaid ? 'paid' : 'created'} ${at}`] ?? at
}
