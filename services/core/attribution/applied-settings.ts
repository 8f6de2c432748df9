// Which settings an order falls under, chosen once: they say what counts as its conversion, and must have been valid
// then.
import type { Order } from '../records'
import { conversionTime } from './attribute'
import { defaultSettings, longestWindowMs, type AttributionSettings } from './settings'

export interface AppliedSettings {
  readonly settings: AttributionSettings
  /** When the order converted under them, or was created while it has not; epoch ms. */
  readonly at: number
}

/** The settings with the latest valid_from that is not after the order's conversion as they themselves understand it;
 * where none was valid yet, the earliest there are. */
export function appliedTo(order: Order, all: readonly AttributionSettings[]): AppliedSettings {
  let latest: AttributionSettings | undefined
  let earliest: AttributionSettings | undefined
  for (const settings of all) {
    if (earliest === undefined || settings.valid_from < earliest.valid_from) earliest = settings
    if (settings.valid_from > momentOf(order, settings)) continue
    if (latest === undefined || settings.valid_from >= latest.valid_from) latest = settings
  }
  const settings = latest ?? earliest ?? defaultSettings
  return { settings, at: momentOf(order, settings) }
}

/** When the touches that may concern an order lie: from and to, both inclusive, in epoch ms. */
export function windowOf({ settings, at }: AppliedSettings): {
  readonly from: number
  readonly to: number
} {
  return { from: at - longestWindowMs(settings), to: at }
}

function momentOf(order: Order, settings: AttributionSettings): number {
  return conversionTime(order, settings) ?? order.created_at
}
