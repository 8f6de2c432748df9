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
  readonly environment: (service: ServiceName, instance: string) => Readonly<Record<string, string>>
  readonly operationsPort: (service: ServiceName, instance: string) => number
  /** A process ended that nobody asked to end. */
  readonly onDeath: (instance: string, words: string) => void
}

interface Colleague {
  readonly service: ServiceName
  readonly child: ChildProcess
}

export class Company {
  readonly #options: CompanyOptions
  readonly #running = new Map<string, Colleague>()

  constructor(options: CompanyOptions) {
    this.#options = options
    mkdirSync(options.logsDirectory, { recursive: true })
  }

  /** Starts all services and waits until each is ready. */
  async start(): Promise<void> {
    for (const service of serviceNames) this.startService(service)
    await Promise.all(serviceNames.map((service) => this.untilReady(service)))
  }

  /** A process of `service`; further ones are named by `instance`. */
  startService(service: ServiceName, instance: string = service): void {
    const log = openSync(this.logFile(instance), 'a')
    const main = join(projectDirectory(), 'dist', 'services', service, 'main.js')
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        OPERATIONS_PORT: String(this.#options.operationsPort(service, instance)),
        EXIT_WITH_PARENT: 'true',
        ...this.#options.environment(service, instance),
      },
      stdio: ['pipe', log, log],
      // Ctrl-C is the demo's to handle; it ends the services in order.
      detached: true,
    })
    closeSync(log)
    this.#running.set(instance, { service, child })
    child.once('exit', () => {
      if (this.#running.get(instance)?.child !== child) return
      this.#running.delete(instance)
      this.#options.onDeath(instance, this.#lastWords(instance))
    })
  }

  async untilReady(instance: string, timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    let faults = 'no answer'
    while (Date.now() < deadline) {
      const colleague = this.#running.get(instance)
      if (colleague === undefined) {
        throw new SetupError(
          `${instance} ended: ${this.#lastWords(instance)} (log: ${this.logFile(instance)})`,
        )
      }
      const port = this.#options.operationsPort(colleague.service, instance)
      const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => null)
      if (answer?.ok === true) return
      if (answer !== null) faults = await answer.text()
      await pause(50)
    }
    throw new SetupError(
      `${instance} is not ready after ${timeoutMs / 1_000} s: ${faults} (log: ${this.logFile(instance)})`,
    )
  }

  /** Names of the processes that run, with where each answers /ready and /metrics. */
  instances(): readonly { readonly instance: string; readonly url: string }[] {
    return [...this.#running].map(([instance, { service }]) => ({
      instance,
      url: `http://127.0.0.1:${this.#options.operationsPort(service, instance)}`,
    }))
  }

  /** As kill -9 would. */
  kill(instance: string): Promise<void> {
    return this.#end(instance, 'SIGKILL')
  }

  /** In order, as on a deploy. */
  stopService(instance: string): Promise<void> {
    return this.#end(instance, 'SIGTERM')
  }

  /** Frozen, as a machine that swaps or a paused virtual one: it runs no code and closes nothing. */
  freeze(instance: string): void {
    this.#running.get(instance)?.child.kill('SIGSTOP')
  }

  thaw(instance: string): void {
    this.#running.get(instance)?.child.kill('SIGCONT')
  }

  /** Ends all in order: edges first, so that nothing taken is left behind. */
  async stop(): Promise<void> {
    for (const service of serviceNames) {
      const own = [...this.#running].filter(([, colleague]) => colleague.service === service)
      await Promise.all(own.map(([instance]) => this.stopService(instance)))
    }
  }

  logFile(instance: string): string {
    return join(this.#options.logsDirectory, `${instance}.log`)
  }

  async #end(instance: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(instance)?.child
    if (child === undefined) return
    this.#running.delete(instance)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    // One that is frozen hears nothing else before.
    child.kill('SIGCONT')
    await ended
  }

  #lastWords(instance: string): string {
    const lines = readFileSync(this.logFile(instance), 'utf8').trim().split('\n').slice(-20)
    const fatal = lines.findLast((line) => line.includes('"fatal"')) ?? lines.at(-1) ?? ''
    return fatal.slice(0, 600)
  }
}
