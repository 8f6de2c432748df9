// Who may send what: a source has secrets; it speaks for one platform and its shops, or states figures, or both.
import { z } from 'zod'
import { codePattern } from '../core/edge/order-message'
import { reservedPlatforms, type OrderSource } from '../core/edge/order-from'
import { figureKinds, type FigureKind } from '../core/figures/figure'

const platform = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,31}$/)
  .refine((name) => !reservedPlatforms.has(name), { error: 'is a reserved word' })

const source = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
    secrets: z.array(z.string().min(16).max(256)).min(1),
    platform: platform.optional(),
    shops: z.array(z.string().max(64).regex(codePattern)).min(1).optional(),
    figures: z.array(z.enum(figureKinds)).default([]),
    receiver_is_buyer: z.boolean().default(false),
    app: z
      .string()
      .regex(/^[a-z0-9_-]{0,64}$/)
      .default(''),
    records_per_second: z.number().positive().optional(),
  })
  .refine((one) => (one.platform === undefined) === (one.shops === undefined), {
    error: 'platform and shops belong together',
  })
  .refine(({ shops, figures }) => shops !== undefined || figures.length > 0, {
    error: 'neither platform and shops nor figures: nothing it may send',
  })
  .transform((one): GatewaySource => {
    const { name, secrets, figures, records_per_second } = one
    return { name, secrets, figures, records_per_second, orders: orderSourceOf(one) }
  })

export interface GatewaySource {
  readonly name: string
  /** All are valid at once, so that one can be replaced while the other still signs. */
  readonly secrets: readonly string[]
  /** Null for a source that sends no orders; its figures may be of any platform. */
  readonly orders: OrderSource | null
  /** The kinds it may state. */
  readonly figures: readonly FigureKind[]
  readonly records_per_second?: number | undefined
}

export const gatewaySources = z
  .array(source)
  .min(1)
  .refine((sources) => new Set(sources.map(({ name }) => name)).size === sources.length, {
    error: 'names must differ',
  })

function orderSourceOf(given: {
  readonly name: string
  readonly platform?: string | undefined
  readonly shops?: readonly string[] | undefined
  readonly receiver_is_buyer: boolean
  readonly app: string
}): OrderSource | null {
  const { name, platform: ofPlatform, shops, receiver_is_buyer: receiverIsBuyer, app } = given
  if (ofPlatform === undefined || shops === undefined) return null
  return { name, platform: ofPlatform, shops, receiverIsBuyer, app }
}
