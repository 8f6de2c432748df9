// The services under a supervisor, as in production: what ends by itself is started again, and that is on record.
import { setTimeout as pause } from 'node:timers/promises'
import { Company, type CompanyOptions, type ServiceName } from '../evening/company'

/** A process that ended although nobody killed it. */
export interface Death {
  readonly instance: string
  readonly atMs: number
  readonly words: string
}

const workMetrics =
  /^attribution_\w+_(lag_records|queued_records|pending_documents|spool_records)[ {]/
const restartPauseMs = 500
/** A process that dies more often than this in one run does not survive anything. */
const deathsMax = 40

export class Crew {
  readonly company: Company
  readonly deaths: Death[] = []
  readonly #services = new Map<string, ServiceName>()
  #closing = false

  constructor(options: Omit<CompanyOptions, 'onDeath'>) {
    this.company = new Company({
      ...options,
      onDeath: (instance, words) => {
        this.deaths.push({ instance, atMs: Date.now(), words })
        if (this.deaths.length <= deathsMax) void this.#startAgain(instance)
      },
    })
  }

  start(service: ServiceName, instance: string = service): void {
    if (this.#closing) return
    this.#services.set(instance, service)
    this.company.startService(service, instance)
  }

  /** Gone until it is started again by name. */
  async kill(instance: string): Promise<void> {
    this.#services.delete(instance)
    await this.company.kill(instance)
  }

  async stop(instance: string): Promise<void> {
    this.#services.delete(instance)
    await this.company.stopService(instance)
  }

  /** Every process that should run says it is ready. @returns the names of those that do not */
  async unready(): Promise<string[]> {
    const running = new Map(
      this.company.instances().map(({ instance, url }) => [instance, url] as const),
    )
    const asked = [...this.#services.keys()].map(async (instance) => {
      const url = running.get(instance)
      if (url === undefined) return [instance]
      const answer = await fetch(`${url}/ready`).catch(() => null)
      await answer?.body?.cancel()
      return answer?.ok === true ? [] : [instance]
    })
    return (await Promise.all(asked)).flat()
  }

  /** What is still on its way, as the processes themselves count it. */
  async openWork(): Promise<string[]> {
    const asked = this.company.instances().map(async ({ instance, url }) => {
      const answer = await fetch(`${url}/metrics`).catch(() => null)
      if (answer?.ok !== true) return [`${instance} does not tell its metrics`]
      return (await answer.text())
        .split('\n')
        .filter((line) => workMetrics.test(line) && !line.endsWith(' 0'))
        .map((line) => `${instance}: ${line}`)
    })
    return (await Promise.all(asked)).flat()
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.company.stop()
  }

  async #startAgain(instance: string): Promise<void> {
    await pause(restartPauseMs)
    const service = this.#services.get(instance)
    const runs = this.company.instances().some((one) => one.instance === instance)
    if (service !== undefined && !runs && !this.#closing) {
      this.company.startService(service, instance)
    }
  }
}
