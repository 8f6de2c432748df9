// Settings the two edges share: ports, limits, how long a client waits, and the key of the identifier hashes.
import { z } from 'zod'
import { kafkaSettings, limit } from './config'
import { ledgerSettings } from './ledger'
import { isPhoneCountry } from './read-phone'

export const edgeSettings = {
  ...kafkaSettings,
  ...ledgerSettings,
  PORT: z.coerce.number().int().min(0).max(65_535).describe('Public port; 0 takes a free one'),
  IDENTIFIER_HASH_KEY: z
    .base64({ error: 'must be base64; make one with: openssl rand -base64 32' })
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((key) => key.length >= 32, { error: 'must be base64 of at least 32 bytes' })
    .describe('Key of the identifier hashes, base64 of at least 32 bytes; the same for every edge'),
  DEFAULT_COUNTRY: z
    .string()
    .refine(isPhoneCountry, { error: 'must be an ISO 3166 code such as CN' })
    .default('CN')
    .describe('Country of phone numbers written without a country code'),
  BODY_BYTES_MAX: limit(1_048_576).describe('Largest request body'),
  BODIES_BYTES_MAX: limit(268_435_456).describe(
    'Most bytes of all request bodies held at once; beyond it the slowest gives way and hears 503',
  ),
  HEADER_BYTES_MAX: limit(16_384, { min: 1_024 }).describe('Largest request line and headers'),
  REQUEST_TIMEOUT_MS: limit(10_000).describe('Longest a client may take to send a request'),
  KEEP_ALIVE_MS: limit(65_000).describe('How long an idle connection stays open'),
  CONNECTIONS_MAX: limit(10_000).describe(
    'Most connections at once; another one takes the place of the one idle or slow for longest',
  ),
  REQUESTS_MAX: limit(20_000).describe('Most requests under way at once; more hear 503'),
  RECORDS_PER_SECOND_MAX: limit(20_000).describe(
    'Most records a second of one source, ten seconds of it at once; more hear 429. A source may have its own',
  ),
  FAILURES_PER_MINUTE_MAX: limit(600).describe(
    'Most requests a minute of one address without a valid key or signature; more hear 429',
  ),
  ADDRESSES_REMEMBERED_MAX: limit(100_000).describe('Most addresses whose rates are remembered'),
  TRUST_PROXY: z
    .stringbool()
    .default(false)
    .describe(
      'Behind a proxy that sets them, believe x-forwarded-proto and the last address of x-forwarded-for',
    ),
  HSTS_SECONDS: limit(0, { min: 0 }).describe(
    'max-age of strict-transport-security, for an edge served over https; 0 sends none',
  ),
  PRODUCE_TIMEOUT_MS: limit(5_000).describe(
    'Longest a client waits for Kafka before its records go to the spool',
  ),
  FLUSH_MS: limit(1, { min: 0 }).describe('How long a lone record waits for company'),
  QUEUE_BYTES_MAX: limit(67_108_864).describe('Most bytes waiting for Kafka; more go to the spool'),
  SPOOL_DIRECTORY: z
    .string()
    .describe('Where records wait while Kafka is away, on a disk that outlives the process'),
  SPOOL_BYTES_MAX: limit(1_073_741_824, { min: 65_536 }).describe(
    'Most bytes waiting there; more hear 503',
  ),
}

/** Parses a JSON setting, so that its own schema can check it. */
export function jsonSetting<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.output<Schema>> {
  return z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        // The parser's words quote the text, which holds secrets.
        context.addIssue({ code: 'custom', message: 'must be JSON' })
        return z.NEVER
      }
    })
    .pipe(schema as z.ZodType<z.output<Schema>>)
}
