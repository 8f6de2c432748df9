// A service as a process of its own, from the build, so that it can be killed like one.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectDirectory } from '../../services/runtime/schemas'
import { until } from './until'

export class ServiceProcess {
  readonly #service: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #directory: string
  #child: ChildProcess | null = null
  #port = 0
  #output = ''
  #spool: string | null = null

  /** @param directory of a project with its build; by default this one */
  constructor(
    service: string,
    environment: Readonly<Record<string, string>>,
    directory = projectDirectory(),
  ) {
    this.#service = service
    this.#environment = environment
    this.#directory = directory
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    this.#output = ''
    this.#port = 0
    const main = join(this.#directory, 'dist', 'services', this.#service, 'main.js')
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        OPERATIONS_PORT: '0',
        EXIT_WITH_PARENT: 'true',
        SPOOL_DIRECTORY: this.#spoolDirectory(),
        ...this.#environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#port ||= Number(/"operationsPort":(\d+)/.exec(this.#output)?.[1] ?? 0)
      })
    }
    let exited = false
    child.once('exit', () => {
      exited = true
    })
    await until(
      async () => {
        if (exited) throw new Error(`${this.#service} ended: ${this.#output.slice(-2_000)}`)
        // One that is ending does not answer any more; the next look says how it ended.
        return this.#port !== 0 && (await this.isReady().catch(() => false))
      },
      () => this.#output.slice(-2_000),
    )
  }

  /** One for this service whatever happens to its processes, gone with the tests. */
  #spoolDirectory(): string {
    this.#spool ??= makeSpoolDirectory()
    return this.#spool
  }

  async isReady(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/ready`)
    return response.ok
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text()
  }

  output(): string {
    return this.#output
  }

  /** Ends it: as kill -9 would, or in order. @returns its exit code */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === null || child.exitCode !== null) return child?.exitCode ?? null
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill(signal)
    this.#child = null
    return ended
  }
}

const spools: string[] = []

function makeSpoolDirectory(): string {
  const spool = mkdtempSync(join(tmpdir(), 'tributary-spool-'))
  spools.push(spool)
  return spool
}

// Within jest a process's own exit event never comes.
afterAll(() => {
  for (const spool of spools.splice(0)) rmSync(spool, { recursive: true, force: true })
})
