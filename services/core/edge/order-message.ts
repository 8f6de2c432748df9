// An order snapshot as a source signs it, its types and lengths already checked by the gateway. The names are
// those of the Order record; what differs is the buyer, who is still a person here.
import type { OrderStatus } from '../identity/newest-snapshot'
import type { Claim } from '../records'

export const orderKinds = ['sale', 'sample', 'gift'] as const
export const settlements = ['unsettled', 'settled'] as const

/** Largest amount of one field, in minor units: sums of a whole order stay exact. */
export const amountMaxMinor = 10_000_000_000_000
export const linesMax = 200
export const codePattern = /^[A-Za-z0-9._-]+$/

export interface OrderMessage {
  readonly platform: string
  /** Empty: the source's only shop. */
  readonly shop: string
  readonly order_id: string
  readonly status: OrderStatus
  readonly kind: (typeof orderKinds)[number]
  readonly currency: string
  /** Epoch milliseconds, as all times. */
  readonly created_at: number
  readonly paid_at: number | null
  readonly updated_at: number
  readonly paid_minor: number
  readonly refunded_minor: number
  readonly freight_minor: number
  readonly settlement: (typeof settlements)[number]
  readonly settled_minor: number
  /** Of every line that has none of its own. */
  readonly claim: Claim | null
  readonly lines: readonly OrderMessageLine[]
  readonly buyer: Contact | null
  readonly receiver: Contact | null
  /** Whether the receiver's phone is the buyer's. */
  readonly receiver_is_buyer: boolean | null
}

export interface OrderMessageLine {
  readonly line_id: string
  readonly sku: string
  readonly title: string
  readonly quantity: number
  readonly paid_minor: number
  readonly refunded_minor: number
  readonly refunded_quantity: number
  readonly warehouse: string
  readonly claim: Claim | null
}

export interface Contact {
  readonly name: string
  /** As the source writes it; may be masked or no phone at all. */
  readonly phone: string
  readonly address: Address | null
  /** Raw identifiers other than the phone, by kind; empty for a receiver. */
  readonly identifiers: Readonly<Record<string, unknown>>
}

export interface Address {
  readonly country: string
  readonly province: string
  readonly city: string
  readonly district: string
  readonly street: string
  readonly postal_code: string
}
