// Configuration from the environment: every fault is reported at once, by name, before anything starts.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { SetupError } from './errors'

/** What every service has: where it listens for /live, /ready and /metrics, how loudly it logs, how it stops. */
export const serviceSettings = {
  HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  OPERATIONS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .describe('Port of /live, /ready and /metrics; 0 takes a free one'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level logged'),
  SHUTDOWN_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(15_000)
    .describe('Longest graceful stop, in milliseconds'),
  EXIT_WITH_PARENT: z.stringbool().default(false).describe('Stop when standard input closes'),
}

export const kafkaSettings = {
  KAFKA_BROKERS: z
    .string()
    .transform((list) => list.split(',').map((broker) => broker.trim()))
    .describe('host:port, separated by commas'),
  KAFKA_TLS: z.stringbool().default(false).describe('Encrypt connections to the brokers'),
  KAFKA_TLS_CA: certificates().describe(
    'PEM of the authorities that sign the certificates of the brokers, where the system does not know them; or KAFKA_TLS_CA_FILE',
  ),
  KAFKA_TLS_CERT: certificates().describe(
    'PEM of a client certificate, where the brokers ask for one; or KAFKA_TLS_CERT_FILE',
  ),
  KAFKA_TLS_KEY: z.string().optional().describe('PEM of its key; or KAFKA_TLS_KEY_FILE'),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .optional()
    .describe('How to log in to the brokers'),
  KAFKA_SASL_USER: z.string().optional().describe('As whom'),
  KAFKA_SASL_PASSWORD: z
    .string()
    .optional()
    .describe('Password of that user; or KAFKA_SASL_PASSWORD_FILE'),
  REGISTRY_URL: z.url().describe('Confluent API of the schema registry'),
  REGISTRY_CA: certificates().describe(
    'PEM of the authority that signs its certificate; or REGISTRY_CA_FILE',
  ),
  REGISTRY_USER: z.string().optional().describe('User of the registry, where it wants one'),
  REGISTRY_PASSWORD: z
    .string()
    .optional()
    .describe('Password of that user; or REGISTRY_PASSWORD_FILE'),
  TOPIC_PREFIX: z
    .string()
    .regex(/^[a-z0-9._-]*$/)
    .default('')
    .describe('Put before every topic, subject and group: several installations on one broker'),
}

/** For services that consume as members of a group. */
export const groupSettings = {
  SESSION_TIMEOUT_MS: limit(10_000, { min: 1_000 }).describe(
    'A process not heard of for this long loses its partitions to others',
  ),
}

/** A whole number with a default, bounds included. */
export function limit(
  fallback: number,
  bounds: { min?: number; max?: number } = {},
): z.ZodDefault<z.ZodCoercedNumber> {
  return z.coerce
    .number()
    .int()
    .min(bounds.min ?? 1)
    .max(bounds.max ?? Number.MAX_SAFE_INTEGER)
    .default(fallback)
}

/** Optional certificates as PEM text; with `_FILE`, the path of a file of them. */
export function certificates(): z.ZodOptional<z.ZodString> {
  return z
    .string()
    .refine(isCertificate, {
      error: 'must be a certificate in PEM, or the path of one in the same setting with _FILE',
    })
    .optional()
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== ''
  } catch {
    return false
  }
}

/**
 * Checks the environment against a shape of settings. `NAME_FILE` may hold the path of a file with NAME's
 * value, so that secrets need not stand in the environment.
 * @throws SetupError naming every missing, unknown or wrong setting at once, never a value
 */
export function loadConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: NodeJS.ProcessEnv = process.env,
): z.output<z.ZodObject<Shape>> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(shape)) {
    const file = environment[`${name}_FILE`] ?? ''
    const value = environment[name] ?? (file === '' ? undefined : readSecret(name, file))
    if (value !== undefined && value !== '') given[name] = value
  }
  const result = z.object(shape).safeParse(given)
  if (result.success) return result.data
  const faults = result.error.issues.map((issue) => {
    const name = String(issue.path[0])
    return name in given ? `${issue.path.join('.')}: ${issue.message}` : `${name}: missing`
  })
  throw new SetupError(`configuration: ${faults.join('; ')}`)
}

function readSecret(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new SetupError(`configuration: ${name}_FILE: cannot read ${file}`, { cause })
  }
}
