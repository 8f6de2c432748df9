// What a fault can lay hands on.
import type { Crew } from './crew'
import type { Installation } from './installation'

export interface Scene {
  readonly installation: Installation
  readonly crew: Crew
  /** Of this run: spools, stores and logs lie below it. */
  readonly dataDirectory: string
}

/** What a fault keeps for itself while it lasts: two that want the same cannot be drawn together. */
export type Part =
  | 'collector'
  | 'order-gateway'
  | 'stream-processor'
  | 'clickhouse-writer'
  | 'erp-sink'
  | 'kafka'
  | 'registry'
  | 'clickhouse'
  | 'erp'

export interface Fault {
  /** As `--fault` names it. */
  readonly name: string
  /** For people: what is done. */
  readonly says: string
  readonly parts: readonly Part[]
  /** How long it lasts between `inject` and `heal`. */
  readonly holdMs: number
  inject(scene: Scene): Promise<void>
  heal(scene: Scene): Promise<void>
  /** How many requests have met it, where that can be counted: it is held until one has. */
  met?(scene: Scene): number
}
