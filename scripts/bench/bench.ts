// What every bench has in common.
import type { Sheet } from './sheet'

export interface Bench {
  readonly name: string
  /** What it measures, in one line. */
  readonly says: string
  run(order: BenchOrder): Promise<void>
}

export interface BenchOrder {
  readonly sheet: Sheet
  /** How often everything is measured. */
  readonly rounds: number
  /** Small amounts, to see that it runs; the figures mean little. */
  readonly quick: boolean
  /** A line for whoever waits. */
  readonly say: (line: string) => void
}
