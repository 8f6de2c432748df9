// From the raw identifiers of an event or a buyer to keyed hashes. Nothing behind this function sees a raw one.
import {
  identifierKinds,
  scopedKinds,
  sortIdentifiers,
  type IdentifierKind,
} from '../identity/node'
import { namesNobody } from './names-nobody'
import {
  isAbsent,
  isFields,
  unprintable,
  warnOfUnknownNames,
  type Fault,
  type Fields,
  type Notes,
} from './notes'

/** The hands of the edge: both need what core does not have, a key and the world's numbering plans. */
export interface IdentifierTools {
  /** `kind:hash`, or `kind:scope:hash` for a scoped kind. */
  hash(kind: IdentifierKind, scope: string, value: string): string
  phone(value: string): PhoneReading
}

/** A shared line is a number of many people: a privacy relay with an extension, a service line. */
export type PhoneReading = { readonly e164: string } | { readonly refused: 'unreadable' | 'shared' }

export interface IdentifierOptions {
  /** Path of the object in the client's record, for notes. */
  readonly field: string
  readonly tools: IdentifierTools
  /** What the sender may name; the rest is left out with a warning. */
  readonly kinds: readonly IdentifierKind[]
  /** Scope of an openid or user given as a bare string; empty when there is none. */
  readonly scopes: { readonly openid: string; readonly user: string }
  /** Whether a phone that is no phone refuses the record or is left out with a warning. */
  readonly unreadablePhone: 'fault' | 'warning'
  readonly notes: Notes
}

const valuesMax = 5
const valueLengthMax = 256
const unknownKinds = {
  known: new Set<string>(identifierKinds),
  fault: `unknown kind, ignored; known are ${identifierKinds.join(', ')}`,
}
const scopePattern = /^[a-z0-9_-]{1,64}$/
/** Name under which a scoped kind gives its scope. */
const scopeFields: Readonly<Record<string, string>> = { openid: 'app', user: 'platform' }

/** Keyed hashes of every identifier that names somebody, strongest first. Faults and warnings go to the notes. */
export function identifiersFrom(input: unknown, options: IdentifierOptions): string[] {
  if (isAbsent(input)) return []
  const { field, notes } = options
  if (!isFields(input)) {
    notes.faults.push({ field, fault: 'must be an object' })
    return []
  }
  warnOfUnknownNames(input, notes, { ...unknownKinds, path: `${field}.` })
  const identifiers: string[] = []
  for (const kind of identifierKinds) {
    const given = input[kind]
    if (given !== undefined && given !== null) readKind(kind, given, { identifiers, options })
  }
  return identifiers.length < 2 ? identifiers : sortIdentifiers(identifiers)
}

/** Adds what is given of one kind to the identifiers. */
function readKind(
  kind: IdentifierKind,
  given: unknown,
  { identifiers, options }: { readonly identifiers: string[]; readonly options: IdentifierOptions },
): void {
  const field = `${options.field}.${kind}`
  if (!options.kinds.includes(kind)) {
    if (!isAbsent(given)) {
      const fault = 'is of a kind that this source may not name, ignored'
      options.notes.warnings.push({ field, fault })
    }
    return
  }
  const values: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (values.length > valuesMax) {
    options.notes.faults.push({ field, fault: `must be at most ${valuesMax} values` })
    return
  }
  for (const value of values) {
    if (value === undefined || value === null) continue
    const outcome = readOne(kind, value, options)
    if ('identifier' in outcome) identifiers.push(outcome.identifier)
    else options.notes[outcome.severity].push({ field, fault: outcome.fault })
  }
}

type Outcome =
  | { readonly identifier: string }
  | { readonly severity: 'faults' | 'warnings'; readonly fault: Fault['fault'] }

function readOne(kind: IdentifierKind, given: unknown, options: IdentifierOptions): Outcome {
  const { value, scope } = scopedKinds.has(kind)
    ? withScope(kind as 'openid' | 'user', given, options)
    : { value: given, scope: '' }
  if (typeof value !== 'string') {
    return { severity: 'faults', fault: 'must be a string: numbers lose digits' }
  }
  const text = value.trim()
  if (text.length > valueLengthMax) {
    return { severity: 'faults', fault: `must have at most ${valueLengthMax} characters` }
  }
  if (unprintable.test(text)) {
    return { severity: 'faults', fault: 'must not hold control characters or broken Unicode' }
  }
  if (namesNobody(text)) return { severity: 'warnings', fault: 'names nobody, ignored' }
  if (scopedKinds.has(kind) && !scopePattern.test(scope)) {
    const name = scopeFields[kind] ?? 'scope'
    return { severity: 'faults', fault: `needs ${name}: 1 to 64 of a-z 0-9 _ -` }
  }
  if (kind !== 'phone') return { identifier: options.tools.hash(kind, scope, text) }
  return readPhone(text, options)
}

function readPhone(text: string, { tools, unreadablePhone }: IdentifierOptions): Outcome {
  const reading = tools.phone(text)
  if ('e164' in reading) return { identifier: tools.hash('phone', '', reading.e164) }
  if (reading.refused === 'shared') {
    return { severity: 'warnings', fault: 'is a line many people share, ignored' }
  }
  return unreadablePhone === 'fault'
    ? { severity: 'faults', fault: 'is no phone number' }
    : { severity: 'warnings', fault: 'is no phone number, ignored' }
}

function withScope(
  kind: 'openid' | 'user',
  given: unknown,
  { scopes }: IdentifierOptions,
): { value: unknown; scope: string } {
  if (!isFields(given)) return { value: given, scope: scopes[kind].toLowerCase() }
  const scope: unknown = given[scopeFields[kind] ?? ''] ?? scopes[kind]
  return { value: given['id'], scope: typeof scope === 'string' ? scope.trim().toLowerCase() : '' }
}

/** Reads `kind:value`, or `kind:scope:value` for a scoped kind, as an identifiers object; else undefined. */
export function identifierObjectFrom(text: string): Fields | undefined {
  const [, kind = '', rest = ''] = /^([a-z]+):(.+)$/s.exec(text.trim()) ?? []
  if (!(identifierKinds as readonly string[]).includes(kind)) return undefined
  const scopeField = scopeFields[kind]
  if (scopeField === undefined) return { [kind]: rest }
  const [, scope, id] = /^([^:]+):(.+)$/s.exec(rest) ?? []
  return scope === undefined ? undefined : { [kind]: { [scopeField]: scope, id } }
}
