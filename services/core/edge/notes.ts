// What an edge tells a client about a record: faults refuse it, warnings do not. Neither ever holds a value
// the client sent, because values may be personal data and notes may be logged by whoever reads them.

export interface Fault {
  /** Path of the field, e.g. identifiers.phone or lines.2.paid_minor */
  readonly field: string
  readonly fault: string
}

export interface Notes {
  readonly faults: Fault[]
  readonly warnings: Fault[]
}

export function noNotes(): Notes {
  return { faults: [], warnings: [] }
}

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Absent, null and the empty string all say nothing. */
export function isAbsent(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === ''
}

/** Control characters and lone surrogates: no name, code or id has them, and UTF-8 cannot carry the latter. */
export const unprintable = /[\p{Cc}\p{Cs}]/u

export interface TextRule {
  readonly max: number
  readonly pattern?: RegExp
  /** What the pattern wants, for people. */
  readonly wants?: string
}

/** The trimmed text of an optional field; empty when it is absent or at fault. */
export function readText(
  value: unknown,
  field: string,
  { rule, notes }: { readonly rule: TextRule; readonly notes: Notes },
): string {
  if (isAbsent(value)) return ''
  const fault = textFault(value, rule)
  if (fault === null) return (value as string).trim()
  notes.faults.push({ field, fault })
  return ''
}

function textFault(value: unknown, rule: TextRule): string | null {
  if (typeof value === 'number') return 'must be a string: send ids as strings'
  if (typeof value !== 'string') return 'must be a string'
  const text = value.trim()
  if (text.length > rule.max) return `must have at most ${rule.max} characters`
  if (unprintable.test(text)) return 'must not hold control characters or broken Unicode'
  if (text !== '' && rule.pattern !== undefined && !rule.pattern.test(text)) {
    return `must be ${rule.wants ?? `of the form ${rule.pattern.source}`}`
  }
  return null
}

/** A field's name as it may be shown: clients put anything there. */
export function shownName(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : '(unreadable name)'
}

/** Of one object so many are named: a client may send any number. */
const unknownNamesMax = 20

export interface UnknownNames {
  readonly known: ReadonlySet<string>
  /** Path of the object, with a dot behind it; empty for the record itself. */
  readonly path: string
  readonly fault: string
}

/** Warns of names that nobody knows. */
export function warnOfUnknownNames(
  fields: Fields,
  { warnings }: Notes,
  { known, path, fault }: UnknownNames,
): void {
  let unknown = 0
  for (const name of Object.keys(fields)) {
    if (known.has(name)) continue
    unknown += 1
    if (unknown > unknownNamesMax) return
    warnings.push({ field: path + shownName(name), fault })
  }
}
