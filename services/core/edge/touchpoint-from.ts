// One event as a client sends it → one touchpoint, or what is wrong with it. Read by hand rather than by a
// schema library: this is the hot path, and a public client's unknown or placeholder values are warned of, not refused.
import type { IdentifierKind } from '../identity/node'
import type { Touchpoint } from '../records'
import { touchpointTypes } from '../touchpoint-types'
import { eventTime } from './event-time'
import { identifierObjectFrom, identifiersFrom, type IdentifierTools } from './identifiers-from'
import {
  isAbsent,
  isFields,
  noNotes,
  readText,
  warnOfUnknownNames,
  type Fault,
  type Fields,
  type Notes,
  type TextRule,
} from './notes'

export interface EventContext {
  readonly source: EventSource
  readonly acceptedAt: number
  readonly mintId: () => string
  readonly tools: IdentifierTools
  /** First-party visitor id of the request's cookie. A fresh one counts only for an event that names nobody
   * else: where cookies are blocked every request gets one, and a phone would be seen with all of them. */
  readonly visitor: { readonly id: string; readonly fresh: boolean } | null
}

/** What a source fills in where its events say nothing. */
export interface EventSource {
  readonly name: string
  readonly platform: string
  readonly shop: string
  readonly channel: string
  /** App of an openid given as a bare string. */
  readonly app: string
  /** What its events may name. A public write key is anybody's: with the kind `code`, the anchor of a person,
   * whoever reads it in a page could join any two customers. */
  readonly identifier_kinds: readonly IdentifierKind[]
}

export interface EventVerdict {
  /** Of the event; empty when it has none that can be shown. */
  readonly id: string
  /** Null when there are faults. */
  readonly touchpoint: Touchpoint | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

const codeRule = {
  pattern: /^[a-z0-9][a-z0-9._-]*$/,
  wants: 'of a-z 0-9 . _ -, beginning with a letter or digit',
} as const

/** Field of the event → rule. Fields of the same name in the touchpoint, but for utm_*. */
const textRules = {
  id: { max: 128 },
  channel: { max: 64, ...codeRule },
  platform: { max: 32, ...codeRule },
  shop: { max: 64, pattern: /^[A-Za-z0-9._-]+$/, wants: 'of A-Z a-z 0-9 . _ -' },
  room: { max: 128 },
  streamer: { max: 128 },
  video: { max: 128 },
  sku: { max: 128 },
  utm_campaign: { max: 256 },
  utm_source: { max: 256 },
  utm_medium: { max: 256 },
  utm_content: { max: 256 },
  utm_term: { max: 256 },
  link: { max: 64 },
  placement: { max: 64 },
  page: { max: 8192 },
  referrer: { max: 8192 },
} as const satisfies Record<string, TextRule>

const pageLengthMax = 1024

/** Every field an event may have. */
export const eventFields: ReadonlySet<string> = new Set([
  ...Object.keys(textRules),
  'type',
  'at',
  'sent_at',
  'identifiers',
  'shared_by',
])

const unknownFields = { known: eventFields, path: '', fault: 'unknown field, ignored' }

/** The touchpoint an event makes, or its faults. Raw identifiers stay in `event`. */
export function touchpointFrom(event: unknown, context: EventContext): EventVerdict {
  const notes = noNotes()
  if (!isFields(event)) {
    notes.faults.push({ field: 'event', fault: 'must be a JSON object' })
    return { id: '', touchpoint: null, ...notes }
  }
  const text = (field: keyof typeof textRules): string =>
    readText(event[field], field, { rule: textRules[field], notes })
  const { source } = context
  const id = text('id') || (isAtFault('id', notes) ? '' : context.mintId())
  const platform = text('platform') || source.platform
  const type = typeFrom(event, notes)
  const { at, sentAt } = eventTime(event, context.acceptedAt, notes)
  const touchpoint: Touchpoint = {
    source: source.name,
    id,
    type,
    at,
    sent_at: sentAt,
    accepted_at: context.acceptedAt,
    identifiers: eventIdentifiers(event, { context, platform, notes }),
    channel: text('channel') || defaultChannel(source, notes),
    platform,
    shop: text('shop') || source.shop,
    room: text('room'),
    streamer: text('streamer'),
    video: text('video'),
    sku: text('sku'),
    campaign: text('utm_campaign'),
    campaign_source: text('utm_source'),
    medium: text('utm_medium'),
    content: text('utm_content'),
    term: text('utm_term'),
    link: text('link'),
    placement: text('placement'),
    page: pageFrom(text('page'), notes),
    referrer: hostFrom(text('referrer'), notes),
    shared_by: sharerFrom(event, { context, platform, notes }),
  }
  warnOfUnknownNames(event, notes, unknownFields)
  const { faults, warnings } = notes
  return { id, touchpoint: faults.length === 0 ? touchpoint : null, faults, warnings }
}

function typeFrom(event: Fields, { faults }: Notes): string {
  const type = event['type']
  if (typeof type === 'string' && (touchpointTypes as readonly string[]).includes(type)) return type
  faults.push({ field: 'type', fault: `must be one of ${touchpointTypes.join(', ')}` })
  return ''
}

function isAtFault(field: string, { faults }: Notes): boolean {
  return faults.some((one) => one.field === field)
}

function defaultChannel(source: EventSource, notes: Notes): string {
  if (source.channel === '' && !isAtFault('channel', notes)) {
    notes.faults.push({ field: 'channel', fault: 'missing, and the source has no default' })
  }
  return source.channel
}

interface Reading {
  readonly context: EventContext
  readonly platform: string
  readonly notes: Notes
}

function eventIdentifiers(event: Fields, { context, platform, notes }: Reading): string[] {
  const identifiers = identifiersFrom(event['identifiers'], {
    field: 'identifiers',
    tools: context.tools,
    kinds: context.source.identifier_kinds,
    scopes: { openid: context.source.app, user: platform },
    unreadablePhone: 'fault',
    notes,
  })
  const { visitor } = context
  if (visitor === null || identifiers.some((identifier) => identifier.startsWith('visitor:'))) {
    return identifiers
  }
  if (visitor.fresh && identifiers.length > 0) return identifiers
  // The weakest kind, so the order stays strongest first.
  return [...identifiers, context.tools.hash('visitor', '', visitor.id)]
}

function sharerFrom(event: Fields, { context, platform, notes }: Reading): string {
  const given = event['shared_by']
  if (isAbsent(given)) return ''
  const input = typeof given === 'string' ? identifierObjectFrom(given) : given
  if (!isFields(input)) {
    notes.faults.push({
      field: 'shared_by',
      fault: 'must be an object, kind:value or kind:scope:value',
    })
    return ''
  }
  const [strongest = ''] = identifiersFrom(input, {
    field: 'shared_by',
    tools: context.tools,
    kinds: context.source.identifier_kinds,
    scopes: { openid: context.source.app, user: platform },
    unreadablePhone: 'fault',
    notes,
  })
  return strongest
}

/** Origin and path: queries and fragments hold session ids, names and phones. */
function pageFrom(text: string, { faults }: Notes): string {
  if (text === '') return ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  const page =
    url === undefined || url.host === ''
      ? (/^[^?#]*/.exec(text)?.[0] ?? '').trim()
      : `${url.protocol}//${url.host}${url.pathname}`
  if (page.length <= pageLengthMax) return page
  faults.push({
    field: 'page',
    fault: `must have at most ${pageLengthMax} characters without query`,
  })
  return ''
}

function hostFrom(text: string, { warnings }: Notes): string {
  if (text === '') return ''
  const address = text.includes('://') ? text : `https://${text}`
  if (URL.canParse(address) && new URL(address).host !== '') return new URL(address).host
  warnings.push({ field: 'referrer', fault: 'is no address, ignored' })
  return ''
}
