// A service as a process of its own that is measured: what it cost so far, and what it counts itself.
import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { builtScript } from '../../infra/local/run-part'
import { cpuSecondsOf } from './machine'

/** Set, every measured process leaves a `.cpuprofile` in this directory when it ends. */
export const profileVariable = 'TRIBUTARY_BENCH_PROFILES'

export class ServiceRun {
  readonly #service: string
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #port = 0
  #output = ''
  #running = true

  constructor(service: string, environment: Readonly<Record<string, string>>) {
    this.#service = service
    const profiles = process.env[profileVariable]
    const profiling =
      profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}/${service}`]
    this.#child = spawn(process.execPath, [...profiling, builtScript(`services/${service}/main`)], {
      env: {
        ...process.env,
        ...{ OPERATIONS_PORT: '0', EXIT_WITH_PARENT: 'true' },
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.#running = false
        resolve()
      })
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-100_000)
        this.#port ||= Number(/"operationsPort":(\d+)/.exec(this.#output)?.[1] ?? 0)
      })
    }
  }

  async untilReady(): Promise<void> {
    await this.until(async () => {
      if (this.#port === 0) return false
      const answer = await fetch(`http://127.0.0.1:${this.#port}/ready`)
      await answer.body?.cancel()
      return answer.ok
    })
  }

  /** @throws when the process ends before it is so, with its last words
   * @param everyMs between two questions: whoever is measured should not spend its time on answers */
  async until(fact: () => Promise<boolean>, everyMs = 50): Promise<void> {
    for (;;) {
      if (!this.#running) {
        throw new Error(`${this.#service} ended: ${this.#output.slice(-2_000)}`)
      }
      if (await fact()) return
      await pause(everyMs)
    }
  }

  /** Sum of a metric over all its series whose labels hold `labels`; 0 before it tells any. */
  async metric(name: string, labels: readonly string[] = []): Promise<number> {
    if (this.#port === 0) return 0
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text()
    const full = `attribution_${this.#service.replaceAll('-', '_')}_${name}`
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${full} `) || line.startsWith(`${full}{`))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid)
  }

  /** Port that its log names so. */
  port(name: string): number {
    return Number(new RegExp(`"${name}":(\\d+)`).exec(this.#output)?.[1] ?? 0)
  }

  async stop(): Promise<void> {
    if (this.#running) this.#child.kill('SIGTERM')
    await this.#ended
  }
}
