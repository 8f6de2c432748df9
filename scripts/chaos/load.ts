// The fixed load, sent as clients with a retry queue would: what was not answered 2xx is sent again with the same
// ids until it is. Whoever conducts says how far it may go and how fast.
import { setTimeout as pause } from 'node:timers/promises'
import { send, type Delivery, type Edges } from '../evening/clients'
import type { Accepted } from './accepted'

const inFlightMax = 64
const retryPauseMs = 250
const givenUpAfterMs = 180_000

export interface LoadOptions {
  readonly deliveries: readonly Delivery[]
  readonly edges: Edges
  readonly beganAt: number
  readonly accepted: Accepted
}

export class Load {
  readonly #options: LoadOptions
  #next = 0
  #limit = 0
  #paceMs = 0
  #retries = 0
  #failure: Error | null = null
  #stopped = false
  readonly #running = new Set<Promise<void>>()
  readonly #sending: Promise<void>

  constructor(options: LoadOptions) {
    this.#options = options
    this.#sending = this.#sendAll()
  }

  /** Requests begun so far. */
  begun(): number {
    this.#assertGood()
    return this.#next
  }

  retries(): number {
    return this.#retries
  }

  /** Lets it go on up to this request, one each `paceMs`. */
  goOn(limit: number, paceMs: number): void {
    this.#limit = limit
    this.#paceMs = paceMs
  }

  /** Until this many requests have begun. */
  async reached(count: number): Promise<void> {
    while (this.begun() < count) await pause(20)
  }

  /** Until every request is answered 2xx. */
  async finished(): Promise<void> {
    await this.reached(this.#options.deliveries.length)
    await this.#sending
    this.#assertGood()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    let due = Date.now()
    const { deliveries } = this.#options
    for (let at = 0; at < deliveries.length && !this.#stopped;) {
      const delivery = deliveries[at]
      if (delivery === undefined || at >= this.#limit || this.#running.size >= inFlightMax) {
        await pause(10)
        due = Math.max(due, Date.now())
        continue
      }
      if (due > Date.now()) await pause(due - Date.now())
      due += this.#paceMs
      const sent = this.#sendOne(delivery)
        .catch((error: unknown) => {
          this.#failure ??= error instanceof Error ? error : new Error(String(error))
        })
        .finally(() => {
          this.#running.delete(sent)
        })
      this.#running.add(sent)
      at += 1
      this.#next = at
    }
    await Promise.all(this.#running)
  }

  /** @throws when the edge refuses the request for good, or none takes it for minutes */
  async #sendOne(delivery: Delivery): Promise<void> {
    const { edges, beganAt, accepted } = this.#options
    const deadline = Date.now() + givenUpAfterMs
    for (let heard = 'no answer'; !this.#stopped; this.#retries += 1) {
      const answer = await answerTo(() => send(delivery, edges, beganAt))
      if (answer?.status === 200) {
        accepted.note(delivery, Date.now())
        return
      }
      if (answer !== null) heard = `${answer.status} ${answer.text.slice(0, 300)}`
      const transient = answer === null || answer.status === 429 || answer.status >= 500
      if (!transient || Date.now() > deadline) {
        throw new Error(`a ${delivery.way} is not taken: ${heard}`)
      }
      await pause(retryPauseMs)
    }
  }

  #assertGood(): void {
    if (this.#failure !== null) throw this.#failure
  }
}

async function answerTo(
  ask: () => Promise<Response>,
): Promise<{ readonly status: number; readonly text: string } | null> {
  try {
    const response = await ask()
    return { status: response.status, text: await response.text() }
  } catch {
    // Refused, reset, timed out: a client cannot tell, and sends it again.
    return null
  }
}
