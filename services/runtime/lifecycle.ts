// How every service lives: configuration, operations server, start, signals, and releases run once, in
// reverse. One of the three seams where errors are caught.
import type { z } from 'zod'
import { loadConfig, serviceSettings } from './config'
import { SetupError } from './errors'
import { createHealth, type Health } from './health'
import { createOperationsServer, listen } from './http'
import { createLogger, type Logger } from './logger'
import { createMetrics, type Metrics } from './metrics'

type Config<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape & typeof serviceSettings>>

export interface Service {
  readonly name: string
  readonly logger: Logger
  readonly metrics: Metrics
  readonly health: Health
  /** Adds an undo, run in reverse order when the service stops. */
  onStop(release: () => void | Promise<void>): void
  /** Ends the process with exit 1 after an error nobody can mend from inside; state is left to the next start. */
  crash(error: unknown): void
}

/**
 * Runs a service until a signal. `start` opens what the service needs and pushes each undo on `onStop`.
 * A SetupError is printed as one line; any other error with its stack; both exit 1.
 */
export async function runService<Shape extends z.ZodRawShape>(
  name: string,
  settings: Shape,
  start: (service: Service, config: Config<Shape>) => Promise<void>,
): Promise<void> {
  let logger = createLogger(name)
  const releases: (() => void | Promise<void>)[] = []
  let ending: Promise<void> | undefined
  let shutdownMs = 15_000

  const end = (exitCode: number): Promise<void> => {
    ending ??= release(releases, shutdownMs, logger).then((clean) => {
      process.exit(exitCode === 0 && !clean ? 1 : exitCode)
    })
    return ending
  }
  const crash = (error: unknown): void => {
    if (error instanceof SetupError) logger.fatal(error.message)
    else logger.fatal({ err: error }, 'crashed')
    if (ending === undefined) setTimeout(() => process.exit(1), 2_000).unref()
    void end(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)

  try {
    const config = loadConfig({ ...serviceSettings, ...settings }) as Config<Shape>
    const common = config as z.output<z.ZodObject<typeof serviceSettings>>
    shutdownMs = common.SHUTDOWN_MS
    logger = createLogger(name, common.LOG_LEVEL)
    const metrics = createMetrics(name)
    const unwell = metrics.gauge('unwell', 'Dependencies and parts: 1 while unwell', ['part'])
    const health = createHealth((part, reason) => {
      unwell.set({ part }, reason === null ? 0 : 1)
      if (reason === null) logger.info({ part }, 'recovered')
      else logger.warn({ part, reason }, 'unwell')
    })
    const stop = (signal: string): void => {
      logger.info({ reason: signal }, 'stopping')
      health.stopping()
      void end(0)
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
    if (common.EXIT_WITH_PARENT) {
      process.stdin.resume().once('end', () => {
        stop('parent gone')
      })
    }

    const operations = await listen(
      createOperationsServer(health, metrics),
      common.HOST,
      common.OPERATIONS_PORT,
    )
    releases.push(() => operations.close())
    await start(
      { name, logger, metrics, health, onStop: (undo) => releases.push(undo), crash },
      config,
    )
    health.started()
    logger.info({ operationsPort: operations.port }, 'started')
  } catch (error) {
    crash(error)
  }
}

/** Runs the releases in reverse; false when one failed or time ran out. */
async function release(
  releases: (() => void | Promise<void>)[],
  shutdownMs: number,
  logger: Logger,
): Promise<boolean> {
  const timeout = new Promise<boolean>((resolve) =>
    setTimeout(() => {
      resolve(false)
    }, shutdownMs).unref(),
  )
  const run = async (): Promise<boolean> => {
    for (let undo = releases.pop(); undo !== undefined; undo = releases.pop()) await undo()
    return true
  }
  const clean = await Promise.race([
    run().catch((err: unknown) => {
      logger.error({ err }, 'stop failed')
      return false
    }),
    timeout,
  ])
  logger.info({ clean }, 'stopped')
  return clean
}
