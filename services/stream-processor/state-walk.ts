// A slow walk through everything a partition keeps, round after round: what ages is let go, what new settings
// concern is settled again, and what is there is counted.
import type { PartitionStore } from './ports'

export interface WalkLimits {
  /** Most entries looked at in one step. */
  readonly stepEntriesMax: number
  /** Shortest time from the beginning of one round to that of the next. */
  readonly roundMs: number
}

/** What is found in a partition, for whoever counts it. */
export interface Census {
  /** Hears every entry of a round once. */
  count(entry: unknown): void
  /** Everything has been heard; the next entry is of a new round. */
  roundEnded(): void
  /** Some entries were not heard: the round counts for nothing. */
  roundBroken(): void
}

export const noCensus: Census = {
  count: () => undefined,
  roundEnded: () => undefined,
  roundBroken: () => undefined,
}

interface WalkStep {
  readonly nodes: readonly string[]
  readonly values: readonly Buffer[]
  /** The round has come to its end. */
  readonly ended: boolean
  /** Entries of this round so far. */
  readonly seen: number
}

const beforeAll = ' '
const afterAll = '\uffff'

export class StateWalk {
  readonly #limits: WalkLimits
  #last = beforeAll
  #seen = 0
  #beganAtMs: number | null = null
  #mayBeginAtMs = 0
  /** Something is to be looked for in a whole round that begins from now on. */
  #hastened = false

  constructor(limits: WalkLimits) {
    this.#limits = limits
  }

  /** Begins a new round with the next step, wherever this one is. */
  restart(): void {
    this.#beganAtMs = null
    this.#mayBeginAtMs = 0
    this.#last = beforeAll
    this.#seen = 0
    this.#hastened = false
  }

  /** Has the next round begin as soon as this one has ended. */
  hasten(): void {
    this.#mayBeginAtMs = 0
    this.#hastened = this.#beganAtMs !== null
  }

  /** @returns the next entries, or null while it is too early for another round */
  step(store: PartitionStore, nowMs: number): WalkStep | null {
    if (this.#beganAtMs === null) {
      if (nowMs < this.#mayBeginAtMs) return null
      this.#beganAtMs = nowMs
    }
    const nodes = new Set<string>()
    const values: Buffer[] = []
    const { stepEntriesMax, roundMs } = this.#limits
    for (const [key, value] of store.range(this.#last, afterAll, false)) {
      if (key === this.#last) continue
      if (values.length === stepEntriesMax) {
        return { nodes: [...nodes], values, ended: false, seen: this.#seen }
      }
      nodes.add(key.slice(0, key.indexOf(' ')))
      values.push(value)
      this.#last = key
      this.#seen += 1
    }
    const seen = this.#seen
    const mayBeginAtMs = this.#hastened ? 0 : this.#beganAtMs + roundMs
    this.restart()
    this.#mayBeginAtMs = mayBeginAtMs
    return { nodes: [...nodes], values, ended: true, seen }
  }
}
