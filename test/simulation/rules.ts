// The settings a history runs under, as plain data: what the oracle is told, and the same for the stages.
import { defaultSettings, type AttributionSettings } from '../../services/core/attribution/settings'
import type { HubLimits } from '../../services/core/identity/hubs'
import type { JourneySettings } from '../../services/core/journey'
import { evening, hourMs, minuteMs } from '../given'
import type { Dice } from './dice'

export interface Rules {
  readonly hubs: HubLimits
  readonly attribution: readonly AttributionSettings[]
  /** Whether one touchpoint may come with two contents. */
  readonly contradictions: boolean
}

/** Small limits, so that a few events make a hub. */
const tightHubs: HubLimits = {
  devicePhones: 2,
  deviceAccounts: 2,
  accountPhones: 2,
  phoneAccounts: 2,
  phoneAccountsInAll: 3,
  codePhones: 2,
  others: 6,
}

const looseHubs: HubLimits = {
  ...{ devicePhones: 3, deviceAccounts: 5, accountPhones: 5, phoneAccounts: 8 },
  ...{ phoneAccountsInAll: 20, codePhones: 5, others: 1_000 },
}

/** Those that need no training; trained-history.ts adds the others. */
const plainModels = defaultSettings.models.filter(
  ({ kind }) => kind !== 'markov' && kind !== 'shapley',
)

export function drawRules(dice: Dice): Rules {
  const contradictions = dice.chance(0.3)
  // A few models a history are all of them in a few histories, and quicker.
  const first: AttributionSettings = {
    ...defaultSettings,
    models: dice.some(plainModels, dice.between(1, 4)),
    conversion: dice.pick(['paid', 'paid', 'paid', 'created'] as const),
    repeat_orders: dice.pick(['none', 'none', 'reset', 'reset_per_sku'] as const),
    clicks_before_views: dice.chance(0.7),
    match_product: dice.chance(0.3),
    claims_as_touchpoints: dice.chance(0.7),
    session_gap_ms: dice.pick([30 * minuteMs, 10 * minuteMs, 10 * minuteMs + 1]),
    // Two contents of one touchpoint and a cut in its journey do not go together: which content is the earliest
    // would depend on what was cut.
    ...(contradictions || dice.chance(0.7)
      ? {}
      : { touches_considered_max: 6, touches_counted_max: 3, touches_shown_max: 4 }),
  }
  const changed = dice.chance(0.3)
  const second: AttributionSettings = {
    ...first,
    name: 'changed',
    valid_from: evening - dice.below(48) * hourMs,
    clicks_before_views: !first.clicks_before_views,
    models: dice.some(plainModels, 2),
  }
  return {
    hubs: dice.chance(0.6) ? tightHubs : looseHubs,
    attribution: changed ? [first, second] : [first],
    contradictions,
  }
}

/** What an operator may change in the settings of attribution. */
export function renewRules(dice: Dice, rules: Rules): Rules {
  const attribution = rules.attribution.map((one) => ({
    ...one,
    models: dice.some(plainModels, dice.between(1, 4)),
    clicks_before_views: dice.chance(0.5),
    match_product: dice.chance(0.5),
    repeat_orders: dice.pick(['none', 'reset'] as const),
  }))
  return { ...rules, attribution }
}

export function journeySettings({ hubs, attribution }: Rules): JourneySettings {
  return {
    orders: { attribution, generation: 0 },
    gather: { hubs, clusterIdentifiers: 5_000 },
  }
}
