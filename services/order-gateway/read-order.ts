// The shape of an order as sources sign it, strictly: a misspelt refunded_minor that were ignored would be a
// refund lost. What the fields must add up to is core's business.
import { z } from 'zod'
import { orderStatuses } from '../core/identity/newest-snapshot'
import type { Fault } from '../core/edge/notes'
import {
  linesMax,
  orderKinds,
  settlements,
  type Contact,
  type OrderMessage,
} from '../core/edge/order-message'
import {
  channel,
  code,
  filled,
  instant,
  instantOrNull,
  loose,
  minor,
  oneOf,
  optionalMinor,
  optionalText,
  pieces,
  readShape,
} from './read-fields'

const claim = z.strictObject({
  channel,
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
  return readShape(order, input, 'order')
}
