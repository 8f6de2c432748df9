// The five services as processes of the demo: started together, watched, and gone when the demo is, however
// it ends (each stops when its standard input closes).
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { projectDirectory } from '../../services/runtime/schemas'
import { SetupError } from '../../services/runtime/errors'

export const serviceNames = [
  'collector',
  'order-gateway',
  'stream-processor',
  'clickhouse-writer',
  'erp-sink',
] as const
export type ServiceName = (typeof serviceNames)[number]

export interface CompanyOptions {
  readonly logsDirectory: string
  readonly environment: (service: ServiceName) => Readonly<Record<string, string>>
  readonly operationsPort: (service: ServiceName) => number
  /** A service ended that nobody asked to end. */
  readonly onDeath: (service: ServiceName, words: string) => void
}

export class Company {
  readonly #options: CompanyOptions
  readonly #running = new Map<ServiceName, ChildProcess>()

  constructor(options: CompanyOptions) {
    this.#options = options
    mkdirSync(options.logsDirectory, { recursive: true })
  }

  /** Starts all services and waits until each is ready. */
  async start(): Promise<void> {
    for (const service of serviceNames) this.startService(service)
    await Promise.all(serviceNames.map((service) => this.untilReady(service)))
  }

  startService(service: ServiceName): void {
    const log = openSync(this.logFile(service), 'a')
    const main = join(projectDirectory(), 'dist', 'services', service, 'main.js')
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        OPERATIONS_PORT: String(this.#options.operationsPort(service)),
        EXIT_WITH_PARENT: 'true',
        ...this.#options.environment(service),
      },
      stdio: ['pipe', log, log],
      // Ctrl-C is the demo's to handle; it ends the services in order.
      detached: true,
    })
    closeSync(log)
    this.#running.set(service, child)
    child.once('exit', () => {
      if (this.#running.get(service) !== child) return
      this.#running.delete(service)
      this.#options.onDeath(service, this.#lastWords(service))
    })
  }

  async untilReady(service: ServiceName, timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    const url = `http://127.0.0.1:${this.#options.operationsPort(service)}/ready`
    let faults = 'no answer'
    while (Date.now() < deadline) {
      if (!this.#running.has(service)) {
        throw new SetupError(
          `${service} ended: ${this.#lastWords(service)} (log: ${this.logFile(service)})`,
        )
      }
      const answer = await fetch(url).catch(() => null)
      if (answer?.ok === true) return
      if (answer !== null) faults = await answer.text()
      await pause(50)
    }
    throw new SetupError(
      `${service} is not ready after ${timeoutMs / 1_000} s: ${faults} (log: ${this.logFile(service)})`,
    )
  }

  /** As kill -9 would. */
  async kill(service: ServiceName): Promise<void> {
    const child = this.#running.get(service)
    if (child === undefined) return
    this.#running.delete(service)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** Ends all in order: edges first, so that nothing taken is left behind. */
  async stop(): Promise<void> {
    for (const service of serviceNames) {
      const child = this.#running.get(service)
      if (child === undefined) continue
      this.#running.delete(service)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
  }

  logFile(service: ServiceName): string {
    return join(this.#options.logsDirectory, `${service}.log`)
  }

  #lastWords(service: ServiceName): string {
    const lines = readFileSync(this.logFile(service), 'utf8').trim().split('\n').slice(-20)
    const fatal = lines.findLast((line) => line.includes('"fatal"')) ?? lines.at(-1) ?? ''
    return fatal.slice(0, 600)
  }
}
