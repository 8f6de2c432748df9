// The shape of an order as sources sign it, strictly: a misspelt refunded_minor that were ignored would be a
// refund lost. What the fields must add up to is core's business.
import { z } from 'zod'
import { readInstant } from '../core/edge/instant'
import { orderStatuses } from '../core/identity/newest-snapshot'
import { shownName, unprintable, type Fault } from '../core/edge/notes'
import {
  amountMaxMinor,
  codePattern,
  linesMax,
  orderKinds,
  settlements,
  type Contact,
  type OrderMessage,
} from '../core/edge/order-message'

const text = (max: number): z.ZodString =>
  z
    .string({ error: mustBeString })
    .trim()
    .max(max, { error: `must have at most ${max} characters` })
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, {
      error: 'must not hold control characters or broken Unicode',
    })

function mustBeString({ input }: { readonly input?: unknown }): string {
  if (input === undefined) return 'missing'
  return typeof input === 'number'
    ? 'must be a string: send ids as strings, numbers lose digits'
    : 'must be a string'
}

const filled = (max: number): z.ZodString => text(max).min(1, { error: 'missing' })
const optionalText = (max: number): z.ZodType<string> =>
  text(max)
    .nullish()
    .transform((value) => value ?? '')

/** For people's words: line ends and tabs become blanks rather than a refused order. */
const loose = (max: number): z.ZodType<string> =>
  z
    .string({ error: mustBeString })
    .max(max, { error: `must have at most ${max} characters` })
    .nullish()
    .transform((value) => (value ?? '').replaceAll(new RegExp(unprintable, 'gu'), ' ').trim())

const code = (max: number): z.ZodString =>
  filled(max).regex(codePattern, { error: 'must be of A-Z a-z 0-9 . _ -' })

const wholeNumber = (min: number, max: number, what: string): z.ZodNumber => {
  const error = ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'missing' : `must be ${what}`
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error })
}
const minor = wholeNumber(0, amountMaxMinor, 'a whole number of minor units, 0 or more')
const optionalMinor = minor.nullish().transform((value) => value ?? 0)
const pieces = (min: number): z.ZodNumber =>
  wholeNumber(min, 1_000_000, `a whole number, ${min} or more`)

// Optional to the object around it: zod asks for the key of an `unknown` otherwise.
const instantOrNull = z
  .unknown()
  .optional()
  .transform((value, context): number | null => {
    if (value === undefined || value === null) return null
    const reading = readInstant(value)
    if ('ms' in reading) return reading.ms
    context.addIssue({ code: 'custom', message: reading.fault })
    return z.NEVER
  })
const instant = instantOrNull.transform((value, context): number => {
  if (value !== null) return value
  context.addIssue({ code: 'custom', message: 'missing' })
  return z.NEVER
})

const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodType<Values[number]> => z.enum(values, { error: `must be one of ${values.join(', ')}` })

const claim = z.strictObject({
  channel: filled(64).regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'must be of a-z 0-9 . _ -' }),
  room: optionalText(128),
  streamer: optionalText(128),
  video: optionalText(128),
  promoter: optionalText(128),
})
const optionalClaim = claim.nullish().transform((value) => value ?? null)

const line = z.strictObject({
  line_id: filled(64),
  sku: filled(128),
  title: loose(512),
  quantity: pieces(1),
  paid_minor: minor,
  refunded_minor: optionalMinor,
  refunded_quantity: pieces(0)
    .nullish()
    .transform((value) => value ?? 0),
  warehouse: optionalText(64),
  claim: optionalClaim,
})

/** A bare string is the street. */
const address = z
  .preprocess(
    (given) => (typeof given === 'string' ? { street: given } : given),
    z
      .strictObject({
        country: loose(64),
        province: loose(64),
        city: loose(64),
        district: loose(64),
        street: loose(512),
        postal_code: loose(32),
      })
      .nullish(),
  )
  .transform((given) => given ?? null)

const receiver = z
  .strictObject({ name: loose(128), phone: loose(64), address })
  .nullish()
  .transform((given): Contact | null => (given ? { ...given, identifiers: {} } : null))

const buyer = z
  .strictObject({
    name: loose(128),
    phone: loose(64),
    address,
    // Read with the same care as an event's, by core.
    code: z.unknown().optional(),
    unionid: z.unknown().optional(),
    openid: z.unknown().optional(),
    user: z.unknown().optional(),
    device: z.unknown().optional(),
    visitor: z.unknown().optional(),
  })
  .nullish()
  .transform((given): Contact | null => {
    if (!given) return null
    const { name, phone, address: where, ...identifiers } = given
    return { name, phone, address: where, identifiers }
  })

const order = z.strictObject({
  platform: optionalText(32),
  shop: optionalText(64),
  order_id: code(64),
  status: oneOf(orderStatuses),
  kind: oneOf(orderKinds)
    .nullish()
    .transform((kind) => kind ?? 'sale'),
  currency: filled(3),
  created_at: instant,
  paid_at: instantOrNull,
  updated_at: instant,
  paid_minor: minor,
  refunded_minor: optionalMinor,
  freight_minor: optionalMinor,
  settlement: oneOf(settlements)
    .nullish()
    .transform((settlement) => settlement ?? 'unsettled'),
  settled_minor: optionalMinor,
  claim: optionalClaim,
  lines: z
    .array(line, { error: 'must be a list' })
    .min(1, { error: 'must have a line' })
    .max(linesMax, { error: `must have at most ${linesMax} lines` }),
  buyer,
  receiver,
  receiver_is_buyer: z
    .boolean({ error: 'must be true or false' })
    .nullish()
    .transform((given) => given ?? null),
})

/** The message of a JSON value, or every fault of its shape by path. Never quotes a value. */
export function readOrder(
  input: unknown,
): { readonly message: OrderMessage } | { readonly faults: readonly Fault[] } {
  const result = order.safeParse(input)
  if (result.success) return { message: result.data }
  const faults = result.error.issues.flatMap((issue): Fault[] => {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => ({
        field: [...path, shownName(name)].join('.'),
        fault: 'unknown field',
      }))
    }
    if (issue.code === 'invalid_type' && issue.expected === 'object') {
      return [{ field: path.join('.') || 'order', fault: 'must be an object' }]
    }
    return [{ field: path.join('.') || 'order', fault: issue.message }]
  })
  const firstOfField = new Map(faults.toReversed().map((fault) => [fault.field, fault]))
  return {
    faults: faults.filter((fault) => firstOfField.get(fault.field) === fault).slice(0, faultsMax),
  }
}

/** Enough to mend by; a list of 200 broken lines needs no thousand answers. */
const faultsMax = 50
