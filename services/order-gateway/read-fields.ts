// How the fields of what sources sign are read, and what is said of those that are wrong: never what they hold.
import { z } from 'zod'
import { readInstant } from '../core/edge/instant'
import { shownName, unprintable, type Fault } from '../core/edge/notes'
import { amountMaxMinor, codePattern } from '../core/edge/order-message'

export const text = (max: number): z.ZodString =>
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

export const filled = (max: number): z.ZodString => text(max).min(1, { error: 'missing' })
export const optionalText = (max: number): z.ZodType<string> =>
  text(max)
    .nullish()
    .transform((value) => value ?? '')

/** For people's words: line ends and tabs become blanks rather than a refused order. */
export const loose = (max: number): z.ZodType<string> =>
  z
    .string({ error: mustBeString })
    .max(max, { error: `must have at most ${max} characters` })
    .nullish()
    .transform((value) => (value ?? '').replaceAll(new RegExp(unprintable, 'gu'), ' ').trim())

export const code = (max: number): z.ZodString =>
  filled(max).regex(codePattern, { error: 'must be of A-Z a-z 0-9 . _ -' })

export const wholeNumber = (min: number, max: number, what: string): z.ZodNumber => {
  const error = ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'missing' : `must be ${what}`
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error })
}
export const minor = wholeNumber(0, amountMaxMinor, 'a whole number of minor units, 0 or more')
export const optionalMinor = minor.nullish().transform((value) => value ?? 0)
export const pieces = (min: number): z.ZodNumber =>
  wholeNumber(min, 1_000_000, `a whole number, ${min} or more`)

// Optional to the object around it: zod asks for the key of an `unknown` otherwise.
export const instantOrNull = z
  .unknown()
  .optional()
  .transform((value, context): number | null => {
    if (value === undefined || value === null) return null
    const reading = readInstant(value)
    if ('ms' in reading) return reading.ms
    context.addIssue({ code: 'custom', message: reading.fault })
    return z.NEVER
  })
export const instant = instantOrNull.transform((value, context): number => {
  if (value !== null) return value
  context.addIssue({ code: 'custom', message: 'missing' })
  return z.NEVER
})

/** Lower-case words with dots, as channels and platforms are named. */
const nameOf = (max: number): z.ZodString =>
  filled(max).regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'must be of a-z 0-9 . _ -' })
export const channel = nameOf(64)
export const platform = nameOf(32)
/** An empty text says as little as none. */
export const optional = (field: z.ZodType<string>): z.ZodType<string> =>
  z
    .union([z.literal(''), field])
    .nullish()
    .transform((value) => value ?? '')

export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodType<Values[number]> => z.enum(values, { error: `must be one of ${values.join(', ')}` })

/** Enough to mend by; a list of 200 broken lines needs no thousand answers. */
const faultsMax = 50

/**
 * The message of a JSON value, or every fault of its shape by path. Never quotes a value.
 * @param whole names the value itself
 */
export function readShape<Message>(
  shape: z.ZodType<Message>,
  input: unknown,
  whole: string,
): { readonly message: Message } | { readonly faults: readonly Fault[] } {
  const result = shape.safeParse(input)
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
      return [{ field: path.join('.') || whole, fault: 'must be an object' }]
    }
    return [{ field: path.join('.') || whole, fault: issue.message }]
  })
  const firstOfField = new Map(faults.toReversed().map((fault) => [fault.field, fault]))
  return {
    faults: faults.filter((fault) => firstOfField.get(fault.field) === fault).slice(0, faultsMax),
  }
}
