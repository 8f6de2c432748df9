// Configuration from the environment: every fault is reported at once, by name, before anything starts.
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
  REGISTRY_URL: z.url().describe('Confluent API of the schema registry'),
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
    const file = environment[`${name}_FILE`]
    const value = environment[name] ?? (file === undefined ? undefined : readSecret(name, file))
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
