// Which faults a history suffers, and when: drawn from the seed before it begins. A fault waits for its moment
// the n-th time the moment comes; one whose moment does not come n times does not happen.
import type { OutgoingRecord } from '../../services/runtime/kafka'
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

const leapTwice = 'leap over records twice, around a commit that fails'
/** What needs much to coincide is drawn more often. */
const drawn: readonly FaultKind[] = [...faultKinds, leapTwice, leapTwice, leapTwice]

export function drawFaults(dice: Dice): Fault[] {
  const many = dice.below(8)
  return Array.from({ length: many }, () => ({
    kind: dice.pick(drawn),
    moment: 1 + dice.below(dice.chance(0.5) ? 12 : 50),
  }))
}

export class FaultPlan {
  readonly #left: Fault[]
  readonly #moments = new Map<FaultKind, number>()
  /** By producer: which commit is refused. */
  readonly #refused = new Map<string, (records: readonly OutgoingRecord[]) => boolean>()
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

  /** Has the first commit of this producer refused to which this applies. */
  refuse(transactionalId: string, applies: (records: readonly OutgoingRecord[]) => boolean): void {
    this.#refused.set(transactionalId, applies)
  }

  refuses(transactionalId: string, records: readonly OutgoingRecord[]): boolean {
    const applies = this.#refused.get(transactionalId)
    return applies?.(records) === true && this.#refused.delete(transactionalId)
  }
}
