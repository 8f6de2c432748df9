// One order snapshot as a source signed it → one Order record, or what is wrong with it.
import { identifierKinds, sortIdentifiers } from '../identity/node'
import type { Order, SealedField } from '../records'
import { buyerDetails } from './buyer-details'
import { identifiersFrom, type IdentifierTools } from './identifiers-from'
import { noNotes, type Fault, type Notes } from './notes'
import { orderFaults } from './order-faults'
import type { OrderMessage } from './order-message'

export interface OrderTools extends IdentifierTools {
  /** Seals a text for the ERP; the same text of the same order seals to the same bytes. */
  seal(text: string, orderKey: string): SealedField
}

export interface OrderContext {
  readonly source: OrderSource
  readonly acceptedAt: number
  readonly ageMaxMs: number
  readonly tools: OrderTools
}

export interface OrderSource {
  readonly name: string
  readonly platform: string
  /** The shops it may speak for. */
  readonly shops: readonly string[]
  readonly receiverIsBuyer: boolean
  /** App of an openid given as a bare string. */
  readonly app: string
}

export interface OrderVerdict {
  readonly orderKey: string
  /** Null when there are faults. */
  readonly order: Order | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** Names no platform may have: keys and nodes begin with them. */
export const reservedPlatforms: ReadonlySet<string> = new Set([
  ...identifierKinds,
  'event',
  'order',
  'set',
])

/** The record of a snapshot whose types are right, or its faults. */
export function orderFrom(message: OrderMessage, context: OrderContext): OrderVerdict {
  const { source, acceptedAt, ageMaxMs, tools } = context
  const notes = noNotes()
  const shop = shopOf(message, source, notes)
  const orderKey = `${source.platform}:${shop}:${message.order_id}`
  const identifiers = buyerIdentifiers(message, context, notes)
  notes.faults.push(...orderFaults(message, { acceptedAt, ageMaxMs }))
  if (notes.faults.length > 0) return { orderKey, order: null, ...notes }
  const details = buyerDetails(message.buyer, message.receiver)
  const order: Order = {
    order_key: orderKey,
    platform: source.platform,
    shop,
    order_id: message.order_id,
    source: source.name,
    status: message.status,
    kind: message.kind,
    currency: message.currency,
    created_at: message.created_at,
    paid_at: message.paid_at,
    updated_at: message.updated_at,
    accepted_at: acceptedAt,
    paid_minor: message.paid_minor,
    refunded_minor: message.refunded_minor,
    freight_minor: message.freight_minor,
    lines: withClaims(message),
    identifiers,
    settlement: message.settlement,
    settled_minor: message.settled_minor,
    sealed_buyer: details === null ? null : tools.seal(JSON.stringify(details), orderKey),
  }
  return { orderKey, order, ...notes }
}

function shopOf(message: OrderMessage, source: OrderSource, { faults }: Notes): string {
  if (message.platform !== '' && message.platform !== source.platform) {
    faults.push({ field: 'platform', fault: 'is not the platform of this source' })
  }
  const [only, ...others] = source.shops
  if (message.shop === '') {
    if (only !== undefined && others.length === 0) return only
    faults.push({ field: 'shop', fault: 'missing, and the source has several' })
    return ''
  }
  if (source.shops.includes(message.shop)) return message.shop
  faults.push({ field: 'shop', fault: 'is not a shop of this source' })
  return message.shop
}

/** Only the buyer's: a receiver's phone is a contact, unless the source or the order says both are one person. */
function buyerIdentifiers(
  message: OrderMessage,
  { source, tools }: OrderContext,
  notes: Notes,
): string[] {
  const { buyer, receiver } = message
  const options = {
    tools,
    kinds: identifierKinds,
    scopes: { openid: source.app, user: source.platform },
    // What a buyer typed into a shop must not hold up the order's money.
    unreadablePhone: 'warning',
    notes,
  } as const
  const own = { ...buyer?.identifiers, phone: buyer?.phone || null }
  const identifiers = identifiersFrom(own, { field: 'buyer', ...options })
  if (!(message.receiver_is_buyer ?? source.receiverIsBuyer)) return identifiers
  const phone = { phone: receiver?.phone || null }
  return sortIdentifiers([
    ...identifiers,
    ...identifiersFrom(phone, { field: 'receiver', ...options }),
  ])
}

/** A claim given once is the claim of every line without its own. */
function withClaims({ lines, claim }: OrderMessage): Order['lines'] {
  return lines.map((line) => ({ ...line, claim: line.claim ?? claim }))
}
