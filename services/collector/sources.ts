// Who may send events: a source has write keys, the origins its pages live on, and what it fills in.
import { hash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { identifierKinds } from '../core/identity/node'
import type { EventSource } from '../core/edge/touchpoint-from'

const origin = z
  .string()
  .refine((text) => text === '*' || (URL.canParse(text) && new URL(text).origin === text), {
    error: 'must be an origin such as https://shop.example, or *',
  })
const code = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, { error: 'must be of a-z 0-9 . _ -' })

const source = z.strictObject({
  name: code,
  keys: z.array(z.string().min(16).max(128)).min(1),
  allowed_origins: z.array(origin).default([]),
  platform: code.max(32).or(z.literal('')).default(''),
  shop: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,64}$/)
    .default(''),
  channel: code.or(z.literal('')).default(''),
  app: z
    .string()
    .regex(/^[a-z0-9_-]{0,64}$/)
    .default(''),
  visitor_cookie: z.boolean().default(true),
  // Everything but `code`, for a write key that stands in a page.
  identifier_kinds: z
    .array(z.enum(identifierKinds))
    .default(identifierKinds.filter((kind) => kind !== 'code')),
  records_per_second: z.number().positive().optional(),
  address_records_per_second: z.number().positive().optional(),
})

export const collectorSources = z
  .array(source)
  .min(1)
  .refine((sources) => new Set(sources.map(({ name }) => name)).size === sources.length, {
    error: 'names must differ',
  })
  .refine((sources) => isUnique(sources.flatMap(({ keys }) => keys)), {
    error: 'a key may belong to one source only',
  })

export type CollectorSource = z.output<typeof source> & EventSource

function isUnique(keys: readonly string[]): boolean {
  return new Set(keys).size === keys.length
}

/** Finds a source by write key. Compares with every key in constant time: an answer's delay tells nothing. */
export function createSourceFinder(
  sources: readonly CollectorSource[],
): (key: string) => CollectorSource | undefined {
  const entries = sources.flatMap((entry) =>
    entry.keys.map((key) => ({ digest: digestOf(key), source: entry })),
  )
  return (key) => {
    const digest = digestOf(key)
    let found: CollectorSource | undefined
    for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) found = entry.source
    return found
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
