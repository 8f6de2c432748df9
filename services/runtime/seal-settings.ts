// The ring of seal keys as a setting: the gateway seals with one, the erp-sink opens with all.
import { z } from 'zod'
import type { SealKeys } from './seal'

export const sealKeyRing = z
  .record(
    z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
    z
      .base64({ error: 'must be base64; make one with: openssl rand -base64 32' })
      .transform((text) => Buffer.from(text, 'base64'))
      .refine((key) => key.length === 32, { error: 'must be base64 of exactly 32 bytes' }),
  )
  .transform((ring): SealKeys => new Map(Object.entries(ring)))
