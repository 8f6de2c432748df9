// Who may send orders: a source has secrets, one platform, and the shops it speaks for.
import { z } from 'zod'
import { codePattern } from '../core/edge/order-message'
import { reservedPlatforms, type OrderSource } from '../core/edge/order-from'

const platform = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,31}$/)
  .refine((name) => !reservedPlatforms.has(name), { error: 'is a reserved word' })

const source = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
    secrets: z.array(z.string().min(16).max(256)).min(1),
    platform,
    shops: z.array(z.string().max(64).regex(codePattern)).min(1),
    receiver_is_buyer: z.boolean().default(false),
    app: z
      .string()
      .regex(/^[a-z0-9_-]{0,64}$/)
      .default(''),
    records_per_second: z.number().positive().optional(),
  })
  .transform(({ receiver_is_buyer, ...rest }): GatewaySource => ({
    ...rest,
    receiverIsBuyer: receiver_is_buyer,
  }))

export interface GatewaySource extends OrderSource {
  /** All are valid at once, so that one can be replaced while the other still signs. */
  readonly secrets: readonly string[]
  readonly records_per_second?: number | undefined
}

export const gatewaySources = z
  .array(source)
  .min(1)
  .refine((sources) => new Set(sources.map(({ name }) => name)).size === sources.length, {
    error: 'names must differ',
  })
