// What happens next. Everything that could happen at a moment (an answer of the broker, a fetch, a rebalance, a
// timer) is an action in one list, and the dice choose; between two actions the code under test runs until it
// waits. Time is a number that moves when a timer is chosen.
import type { Dice } from './dice'

/** Whose requests and timers these are; those of the dead are not heard any more. */
export interface Owner {
  readonly name: string
  alive: boolean
}

export interface Action {
  readonly name: string
  run(): void
}

interface Pending extends Action {
  readonly owner: Owner
  /** Happens at the broker even if whoever asked is dead by then. */
  readonly sent: boolean
}

interface Timer extends Action {
  readonly owner: Owner
  readonly at: number
}

/** Nothing may take longer than this; a history that does has no end. */
const actionsMax = 60_000
const traceKept = 4_000

export class Schedule {
  readonly #dice: Dice
  #pending: Pending[] = []
  #timers: Timer[] = []
  readonly trace: string[] = []
  /** Epoch ms. */
  nowMs: number
  actions = 0

  constructor(dice: Dice, nowMs: number) {
    this.#dice = dice
    this.nowMs = nowMs
  }

  /** Asks something of the broker: the effect happens some time later, the answer perhaps later still. */
  request<T>(owner: Owner, name: string, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!owner.alive) return
      const answer = (tell: () => void): void => {
        const heard = (): void => {
          if (owner.alive) tell()
        }
        if (this.#dice.chance(0.8)) heard()
        else this.#pending.push({ owner, name: `${name}: answer`, sent: false, run: heard })
      }
      const run = (): void => {
        try {
          const result = effect()
          answer(() => {
            resolve(result)
          })
        } catch (error) {
          answer(() => {
            reject(error instanceof Error ? error : new Error(String(error)))
          })
        }
      }
      this.#pending.push({ owner, name: `${owner.name} ${name}`, sent: true, run })
    })
  }

  /** A promise of the dead: never kept. */
  never<T>(): Promise<T> {
    return new Promise(() => undefined)
  }

  timer(owner: Owner, afterMs: number, action: Action): void {
    if (!owner.alive) return
    this.#timers.push({ ...action, owner, at: this.nowMs + afterMs })
  }

  wait(owner: Owner, longestMs: number): Promise<void> {
    const afterMs = this.#dice.below(Math.max(1, Math.floor(longestMs)))
    return new Promise((resolve) => {
      this.timer(owner, afterMs, { name: `${owner.name} waited`, run: resolve })
    })
  }

  /** What the dead had asked either reached the broker or did not. */
  bury(owner: Owner): void {
    owner.alive = false
    this.#pending = this.#pending.filter(
      (one) => one.owner !== owner || (one.sent && this.#dice.chance(0.5)),
    )
    this.#timers = this.#timers.filter((one) => one.owner !== owner)
  }

  note(text: string): void {
    this.trace.push(`${this.actions} ${text}`)
    if (this.trace.length > traceKept) this.trace.shift()
  }

  /** Runs until nothing can happen any more and `goOn` has nothing to add. `offered` lists what could happen besides
   * requests and timers.
   * @throws when a history has no end */
  async runUntilQuiet(offered: () => readonly Action[], goOn: () => boolean): Promise<void> {
    for (;;) {
      await settled()
      const actions = [...this.#pending, ...offered()]
      const timer = this.#nextTimer()
      if (actions.length === 0 && timer === undefined) {
        if (goOn()) continue
        return
      }
      const action =
        timer !== undefined && (actions.length === 0 || this.#dice.chance(0.03))
          ? timer
          : this.#dice.pick(actions)
      this.actions += 1
      if (this.actions > actionsMax) throw new Error(`no end after ${actionsMax} actions`)
      this.#take(action)
      this.note(action.name)
      action.run()
    }
  }

  #nextTimer(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }

  #take(action: Action): void {
    this.#pending = this.#pending.filter((one) => one !== action)
    const timer = this.#timers.find((one) => one === action)
    if (timer === undefined) return
    this.#timers = this.#timers.filter((one) => one !== timer)
    this.nowMs = Math.max(this.nowMs, timer.at)
  }
}

/** Resolves once all code that could go on has come to wait for something. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
