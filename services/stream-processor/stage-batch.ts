// Runs a stage's step over the records of one batch: nothing here knows Kafka, time or files. What a node says
// to another of the same partition is heard at once, in order; what it says to others waits for the loop.
import { partitionOf } from '../core/partition'
import { isReject, reject, type Reject } from '../core/reject'
import type { Observation, Stage, Turn, Upkeep } from '../core/stage'
import type { Topic, ValueOf } from '../core/topics'
import { overlayOn, type EntryStore, type Overlay } from './overlay'

export interface Emission {
  readonly topic: Topic
  readonly key: string
  readonly value: unknown
}

export interface LoopMessage {
  readonly partition: number
  readonly key: string
  readonly value: unknown
}

interface Placement {
  readonly partition: number
  /** Partition count of the stage's topics. */
  readonly partitions: number
  /** As a turn has it. */
  readonly acceptedUpTo: number
}

interface HeardRecord {
  readonly topic: string
  readonly value: unknown
  /** Epoch ms at which it reached its topic, where that is known. */
  readonly appendedAt?: number
}

export interface StageBatch {
  /** Applies one record. A rejected record has changed nothing. */
  observe(observation: HeardRecord): Reject | undefined
  /** Looks after a node no record is about. */
  tend(node: string, upkeep: Upkeep): void
  /** Settles every node that asked for it; once, at the end. */
  settle(): void
  readonly emissions: readonly Emission[]
  readonly loops: readonly LoopMessage[]
  changes(): Iterable<readonly [key: string, entry: unknown]>
  /** Messages between nodes of this partition; records of deletion on request, among those too; changes of the common
   * node. */
  readonly counts: { local: number; settled: number; purging: number; common: number }
}

/** Any stage, as the runner sees it: the types of one stage agree among themselves. */
export type AnyStage = Stage

export function openBatch(
  stage: AnyStage,
  store: EntryStore<unknown>,
  placement: Placement,
): StageBatch {
  return new Batch(stage, store, placement)
}

type AnyTurn = Turn<ValueOf<Topic>, ValueOf<Topic>, Topic, unknown>

class Batch implements StageBatch {
  readonly stage: AnyStage
  readonly placement: Placement
  readonly overlay: Overlay<ValueOf<Topic>>
  readonly emissions: Emission[] = []
  readonly loops: LoopMessage[] = []
  readonly counts = { local: 0, settled: 0, purging: 0, common: 0 }
  /** Of the record at hand. */
  appendedAt: number
  readonly #local: ValueOf<Topic>[] = []
  /** Entries of the common node as they were read: nearly every node asks for the same. */
  readonly #common = new Map<string, ValueOf<Topic> | undefined>()
  readonly #changed = new Map<string, unknown[]>()

  constructor(stage: AnyStage, store: EntryStore<unknown>, placement: Placement) {
    this.stage = stage
    this.placement = placement
    this.overlay = overlayOn(store as EntryStore<ValueOf<Topic>>, stage.near)
    this.appendedAt = placement.acceptedUpTo
  }

  observe({ topic, value, appendedAt }: HeardRecord): Reject | undefined {
    const observation = { topic, value } as Observation<Topic>
    const node = this.stage.nodeOf(observation)
    this.appendedAt = appendedAt ?? 0
    const outcome = this.#isHome(node) ? this.#apply(node, observation) : this.#passOn(observation)
    this.#hearLocal()
    this.appendedAt = this.placement.acceptedUpTo
    return outcome
  }

  tend(node: string, upkeep: Upkeep): void {
    this.stage.tend?.(new NodeTurn(this, node), upkeep)
    this.#hearLocal()
  }

  settle(): void {
    for (const [node, changes] of this.#changed) {
      this.stage.settle(new NodeTurn(this, node), changes)
      this.counts.settled += 1
    }
    this.#changed.clear()
  }

  changes(): Iterable<readonly [key: string, entry: unknown]> {
    return this.overlay.changes()
  }

  send(message: ValueOf<Topic>): void {
    const key = this.stage.partitionKeyOf(this.stage.nodeOf(this.#heard(message)))
    const partition = this.#partitionOf(key)
    if (partition === this.placement.partition) this.#local.push(message)
    else this.loops.push({ partition, key, value: message })
  }

  change(node: string, change: unknown): void {
    const known = this.#changed.get(node)
    if (known === undefined) this.#changed.set(node, [change])
    else known.push(change)
  }

  put(node: string, key: string, entry: ValueOf<Topic>): void {
    if (node === this.stage.common) this.#forgetCommon(key)
    this.overlay.put(node, key, entry)
  }

  remove(node: string, key: string): void {
    if (node === this.stage.common) this.#forgetCommon(key)
    this.overlay.remove(node, key)
  }

  common(key: string): ValueOf<Topic> | undefined {
    const { common } = this.stage
    if (common === null) return undefined
    if (!this.#common.has(key)) this.#common.set(key, this.overlay.getOf(common, key))
    return this.#common.get(key)
  }

  #forgetCommon(key: string): void {
    this.counts.common += 1
    this.#common.delete(key)
  }

  #isHome(node: string): boolean {
    if (node === this.stage.common) return true
    return this.#partitionOf(this.stage.partitionKeyOf(node)) === this.placement.partition
  }

  #apply(node: string, observation: Observation<Topic>): Reject | undefined {
    if (this.stage.purges(observation)) this.counts.purging += 1
    return this.stage.step(new NodeTurn(this, node), observation)
  }

  #hearLocal(): void {
    for (let next = 0; next < this.#local.length; next += 1) {
      const heard = this.#heard(this.#local[next] as ValueOf<Topic>)
      this.#apply(this.stage.nodeOf(heard), heard)
      this.counts.local += 1
    }
    this.#local.length = 0
  }

  /** A record that a foreign producer put into this partition goes to its own, where the stage has a way there. */
  #passOn(observation: Observation<Topic>): Reject | undefined {
    const { redirect } = this.stage
    if (redirect === null) {
      const { partition } = this.placement
      return reject('invalid', `key: belongs to another partition than ${partition}`)
    }
    const message = redirect(observation, this.appendedAt)
    if (isReject(message)) return message
    this.send(message)
    return undefined
  }

  #heard(message: ValueOf<Topic>): Observation<Topic> {
    return { topic: this.stage.loops?.name ?? '', value: message }
  }

  #partitionOf(key: string): number {
    return partitionOf(key, this.placement.partitions)
  }
}

/** A class, since one is made for every record and every message: closures cost as much as many a step. */
class NodeTurn implements AnyTurn {
  readonly node: string
  readonly acceptedUpTo: number
  readonly appendedAt: number
  readonly #batch: Batch

  constructor(batch: Batch, node: string) {
    this.node = node
    this.acceptedUpTo = batch.placement.acceptedUpTo
    this.appendedAt = batch.appendedAt
    this.#batch = batch
  }

  get(key: string): ValueOf<Topic> | undefined {
    return this.#batch.overlay.getOf(this.node, key)
  }

  range(from: string, to: string, reverse = false): Iterable<readonly [string, ValueOf<Topic>]> {
    return this.#batch.overlay.rangeOf(this.node, { from, to, reverse })
  }

  put(key: string, entry: ValueOf<Topic>): void {
    this.#batch.put(this.node, key, entry)
  }

  remove(key: string): void {
    this.#batch.remove(this.node, key)
  }

  common(key: string): ValueOf<Topic> | undefined {
    return this.#batch.common(key)
  }

  send(message: ValueOf<Topic>): void {
    this.#batch.send(message)
  }

  emit<T extends Topic>(topic: T, key: string, value: ValueOf<T> | null): void {
    this.#batch.emissions.push({ topic, key, value })
  }

  change(change: unknown): void {
    this.#batch.change(this.node, change)
  }
}
