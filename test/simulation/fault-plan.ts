// Which faults a history suffers, and when: drawn from the seed before it begins. A fault waits for its moment
// the n-th time the moment comes; one whose moment does not come n times does not happen.
import type { Dice } from './dice'

/** Moments in the life of a transaction, in order; `crash` ends the process there. */
export const commitFaults = [
  'crash before the transaction begins',
  'crash after it began',
  'send fails half way',
  'crash after the sends',
  'rebalance after the sends',
  'commit refused',
  'commit done but the answer lost',
  'crash after the commit',
  'crash before the store has it',
  'disk full',
  'crash after the store has it',
] as const

/** Things that happen at any moment. */
export const outsideFaults = [
  'kill',
  'kill and lose the disk',
  'kill and find an old disk',
  'start another process',
  'stop a process',
  'rebalance',
  'take partitions from one who does not hear it',
  'hand records over again',
  'leap over records',
  'leap over records twice, around a commit that fails',
  'broker does not answer',
  'compact the changelogs',
] as const

export type FaultKind = (typeof commitFaults)[number] | (typeof outsideFaults)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Counted in commits, or in tens of actions. */
  readonly moment: number
}

export const faultKinds: readonly FaultKind[] = [...commitFaults, ...outsideFaults]

export function drawFaults(dice: Dice): Fault[] {
  const many = dice.below(8)
  return Array.from({ length: many }, () => ({
    kind: dice.pick(faultKinds),
    moment: 1 + dice.below(dice.chance(0.5) ? 12 : 50),
  }))
}

export class FaultPlan {
  readonly #left: Fault[]
  readonly #moments = new Map<FaultKind, number>()
  /** How many commits of a producer are still to succeed before one is refused. */
  readonly #refusals = new Map<string, number>()
  readonly happened: Fault[] = []

  constructor(faults: readonly Fault[]) {
    this.#left = [...faults]
  }

  /** Whether the fault happens at this moment of its kind. */
  strikes(kind: FaultKind): boolean {
    const moment = (this.#moments.get(kind) ?? 0) + 1
    this.#moments.set(kind, moment)
    const at = this.#left.findIndex((fault) => fault.kind === kind && fault.moment <= moment)
    const [fault] = at === -1 ? [] : this.#left.splice(at, 1)
    if (fault === undefined) return false
    this.happened.push(fault)
    return true
  }

  /** Has a commit of this producer refused, after so many others. */
  refuse(transactionalId: string, after: number): void {
    this.#refusals.set(transactionalId, after)
  }

  refuses(transactionalId: string): boolean {
    const left = this.#refusals.get(transactionalId)
    if (left === undefined) return false
    if (left > 0) this.#refusals.set(transactionalId, left - 1)
    else this.#refusals.delete(transactionalId)
    return left === 0
  }
}
