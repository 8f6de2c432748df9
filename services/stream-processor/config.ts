import { join } from 'node:path'
import { z } from 'zod'
import { groupSettings, kafkaSettings, limit } from '../runtime/config'
import { ledgerSettings } from '../runtime/ledger'
import { projectDirectory } from '../runtime/schemas'
import type { RunnerLimits } from './partition-runner'
import type { WalkLimits } from './state-walk'

const dayMs = 86_400_000

export const streamProcessorSettings = {
  ...kafkaSettings,
  ...groupSettings,
  ...ledgerSettings,
  OPERATIONS_PORT: z.coerce.number().int().min(0).max(65_535).default(9103),
  ATTRIBUTION_SETTINGS: z
    .string()
    .default(join(projectDirectory(), 'services', 'stream-processor', 'attribution.json'))
    .describe('File with identity and attribution settings'),
  STATE_DIRECTORY: z.string().describe('Where the stores lie; one directory for one process'),
  STORE_MAX_AGE_MS: limit(3.5 * dayMs).describe(
    "A store unused for longer is restored from scratch; below half the changelog's delete.retention.ms",
  ),
  TRANSACTION_TIMEOUT_MS: limit(15_000, { min: 1_000 }),
  BATCH_RECORDS_MAX: limit(2_000).describe('Most records in one transaction'),
  BATCH_WAIT_MS: limit(100, { min: 0 }).describe(
    'Shortest time between two transactions of one partition, unless a full batch or a loop message waits, in milliseconds',
  ),
  QUEUE_RECORDS_MAX: limit(20_000).describe('Records waiting per partition before fetching pauses'),
  QUEUE_BYTES_MAX: limit(32 * 1024 * 1024).describe('Bytes waiting per partition, likewise'),
  HOUSEKEEPING_MS: limit(5_000, { min: 10 }).describe(
    'How often positions are told to the group, for lag displays and for whoever waits to be heard',
  ),
  PURGE_INTERVAL_MS: limit(60_000, { min: 0 }).describe(
    'Shortest time between two rewritings of a store after deletion on request, which hold its partition up',
  ),
  WALK_ENTRIES_MAX: limit(1_000).describe(
    'State entries of a partition looked after in one step: bounds how fast orders are credited anew under new settings',
  ),
  WALK_INTERVAL_MS: limit(500, { min: 10 }).describe('Time between two such steps'),
  WALK_ROUND_MS: limit(30_000, { min: 10 }).describe(
    'Shortest time from one round through the state to the next',
  ),
}

type Config = Omit<z.output<z.ZodObject<typeof streamProcessorSettings>>, 'OPERATIONS_PORT'>

export function runnerLimits(config: Config): RunnerLimits {
  return {
    batchRecordsMax: config.BATCH_RECORDS_MAX,
    batchWaitMs: config.BATCH_WAIT_MS,
    queueRecordsMax: config.QUEUE_RECORDS_MAX,
    queueBytesMax: config.QUEUE_BYTES_MAX,
    purgeIntervalMs: config.PURGE_INTERVAL_MS,
  }
}

export function walkLimits(config: Config): WalkLimits & { readonly intervalMs: number } {
  return {
    stepEntriesMax: config.WALK_ENTRIES_MAX,
    intervalMs: config.WALK_INTERVAL_MS,
    roundMs: config.WALK_ROUND_MS,
  }
}
