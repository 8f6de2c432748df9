// The one file that says how identity and attribution work, checked as a whole before anything starts. Times
// in it are hours and minutes; inside they are milliseconds.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { defaultSettings, type ModelSettings } from '../core/attribution/settings'
import { defaultHubLimits } from '../core/identity/hubs'
import type { JourneySettings } from '../core/journey'
import { touchpointTypes } from '../core/touchpoint-types'
import { SetupError } from '../runtime/errors'

const hourMs = 3_600_000
const count = z.int().positive()
const modelName = z.string().regex(/^[a-z][a-z0-9_]{0,40}$/, 'small letters, digits and _')
const halfLife = z.number().positive().default(168)
const share = z.number().min(0).max(1)

const rule = z.strictObject({
  match: z.strictObject({
    type: z.enum(touchpointTypes).optional(),
    channel: z.string().optional(),
    platform: z.string().optional(),
    streamer: z.string().optional(),
  }),
  multiplier: z.number().min(0),
})

const plainKinds = [
  'first',
  'last',
  'last_non_direct',
  'linear',
  'w_shape',
  'markov',
  'shapley',
  'claim',
] as const
const model = z.discriminatedUnion('kind', [
  z.strictObject({ name: modelName, kind: z.enum(plainKinds) }),
  z.strictObject({
    name: modelName,
    kind: z.literal('position'),
    ends: z
      .tuple([share, share, share])
      .refine(
        ([a, b, c]) => Math.abs(a + b + c - 1) < 1e-9,
        'first, middle and last must sum to 1',
      ),
  }),
  z.strictObject({ name: modelName, kind: z.literal('time_decay'), half_life_hours: halfLife }),
  z.strictObject({
    name: modelName,
    kind: z.literal('custom'),
    base: z.enum(['linear', 'time_decay']).default('linear'),
    half_life_hours: halfLife,
    rules: z.array(rule).min(1),
  }),
])

const windowHours = z
  .partialRecord(
    z.enum(touchpointTypes),
    z
      .number()
      .positive()
      .max(24 * 90),
  )
  .transform((given) => ({ ...defaultWindowHours, ...given }))

const defaultWindowHours = Object.fromEntries(
  Object.entries(defaultSettings.windows_ms).map(([type, ms]) => [type, ms / hourMs]),
)

function inHours(given: ModelSettings): z.input<typeof model> {
  if (!('half_life_ms' in given)) return given as z.input<typeof model>
  const { half_life_ms: halfLifeMs, ...rest } = given
  return { ...rest, half_life_hours: halfLifeMs / hourMs } as z.input<typeof model>
}

const attribution = z.strictObject({
  name: z.string().min(1),
  valid_from: z.iso.datetime().default('1970-01-01T00:00:00Z'),
  conversion: z.enum(['paid', 'created']).default(defaultSettings.conversion),
  window_hours: windowHours.prefault({}),
  session_gap_minutes: z
    .number()
    .min(0)
    .default(defaultSettings.session_gap_ms / 60_000),
  repeat_orders: z.enum(['none', 'reset', 'reset_per_sku']).default(defaultSettings.repeat_orders),
  clicks_before_views: z.boolean().default(defaultSettings.clicks_before_views),
  match_product: z.boolean().default(defaultSettings.match_product),
  claims_as_touchpoints: z.boolean().default(defaultSettings.claims_as_touchpoints),
  milestone_types: z.array(z.enum(touchpointTypes)).default(['form', 'room_enter']),
  models: z
    .array(model)
    .min(1)
    .prefault(() => defaultSettings.models.map(inHours)),
  touches_considered_max: count.max(5_000).default(defaultSettings.touches_considered_max),
  touches_counted_max: count.max(500).default(defaultSettings.touches_counted_max),
  touches_shown_max: count.max(500).default(defaultSettings.touches_shown_max),
})

const hubLimit = (name: keyof typeof defaultHubLimits) => count.default(defaultHubLimits[name])

/** Settings as a stage's state keeps them. */
export interface NumberedSettings {
  readonly epoch: number
  readonly text: string
}

const file = z.strictObject({
  epoch: count.default(1),
  generation: z.int().min(0).max(1_000_000).default(0),
  cluster_identifiers_max: count.default(5_000),
  hub_limits: z
    .strictObject({
      device_phones: hubLimit('devicePhones'),
      device_accounts: hubLimit('deviceAccounts'),
      account_phones: hubLimit('accountPhones'),
      phone_accounts: hubLimit('phoneAccounts'),
      phone_accounts_in_all: hubLimit('phoneAccountsInAll'),
      code_phones: hubLimit('codePhones'),
      others: hubLimit('others'),
    })
    .prefault({}),
  attribution: z
    .array(attribution)
    .min(1)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names must differ')
    .refine(
      (all) => new Set(all.map(({ valid_from }) => Date.parse(valid_from))).size === all.length,
      'valid_from must differ',
    )
    .prefault([{ name: 'default' }]),
})

/** @throws SetupError that names every fault of the file */
export function readSettings(path: string): NumberedSettings {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SetupError(`attribution settings: cannot read ${path}`, { cause })
  }
  const given = parseFile(text)
  // With all defaults in, so that another release's defaults do not pass for the same settings.
  return { epoch: given.epoch, text: JSON.stringify(given) }
}

/** @throws SetupError that names every fault */
export function parseSettings(text: string): JourneySettings {
  const given = parseFile(text)
  const { hub_limits: hubs, generation, cluster_identifiers_max: clusterIdentifiers } = given
  return {
    orders: { generation, attribution: given.attribution.map(inMilliseconds) },
    gather: {
      clusterIdentifiers,
      hubs: {
        devicePhones: hubs.device_phones,
        deviceAccounts: hubs.device_accounts,
        accountPhones: hubs.account_phones,
        phoneAccounts: hubs.phone_accounts,
        phoneAccountsInAll: hubs.phone_accounts_in_all,
        codePhones: hubs.code_phones,
        others: hubs.others,
      },
    },
  }
}

function parseFile(text: string): z.output<typeof file> {
  const parsed = file.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new SetupError(`attribution settings: ${faults.join('; ')}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SetupError(`attribution settings: not JSON: ${String(cause)}`, { cause })
  }
}

function inMilliseconds(given: z.output<typeof attribution>) {
  const { window_hours: windows, session_gap_minutes: gap, valid_from: validFrom, ...rest } = given
  return {
    ...rest,
    valid_from: Date.parse(validFrom),
    session_gap_ms: gap * 60_000,
    windows_ms: {
      ...defaultSettings.windows_ms,
      ...Object.fromEntries(Object.entries(windows).map(([type, hours]) => [type, hours * hourMs])),
    },
    models: given.models.map(modelInMilliseconds),
  }
}

function modelInMilliseconds(given: z.output<typeof model>): ModelSettings {
  switch (given.kind) {
    case 'time_decay':
      return { name: given.name, kind: given.kind, half_life_ms: given.half_life_hours * hourMs }
    case 'custom': {
      const rules = given.rules.map(({ match, multiplier }) => ({
        multiplier,
        match: Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined)),
      }))
      const { name, kind, base } = given
      return { name, kind, base, half_life_ms: given.half_life_hours * hourMs, rules }
    }
    case 'claim':
      return { name: given.name, kind: 'claim' }
    case 'position':
    case 'first':
    case 'last':
    case 'last_non_direct':
    case 'linear':
    case 'w_shape':
    case 'markov':
    case 'shapley':
      return given
  }
}
