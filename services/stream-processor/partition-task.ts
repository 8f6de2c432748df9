// One partition of one stage. States: opening (fencing older owners), restoring (reading the changelog up to
// its own owner record), running (taking batches), closed. A failed commit closes the log, forgets the batch
// and opens again, as on a takeover: the changelog then says whether the transaction happened.
import assert from 'node:assert/strict'
import { isForAnother } from '../core/dead-letters/replay'
import { isReject, reject, type Reject } from '../core/reject'
import type { StageMark as MarkRecord } from '../core/records'
import { deadLetter } from '../runtime/dead-letter'
import { SetupError } from '../runtime/errors'
import type { IncomingRecord, OutgoingRecord } from '../runtime/kafka'
import { recordBytesMax } from '../runtime/provision'
import { advanceMark, countCrash, crashesOf } from './advance-mark'
import { markKeys } from './kafka-stage-log'
import type { EntryStore } from './overlay'
import {
  emptyMark,
  markFrom,
  markRecord,
  type PartitionStore,
  type StageLog,
  type StageMark,
} from './ports'
import { openBatch, type AnyStage, type StageBatch } from './stage-batch'
import type { StageMetrics } from './stage-metrics'
import { adoptRules, isUnsettled, type StageRules } from './stage-rules'
import type { StageWiring } from './stage-wiring'
import { entriesIn, readEntry, schemaHeader, schemaIdsOf, type StateRecord } from './state-entries'
import { StateWalk, type Census, type WalkLimits } from './state-walk'

/** A record that crashed the process this often becomes a dead letter. */
const crashesMax = 3

export interface TaskOptions {
  /** The stage under this process's settings; under which it runs the state decides. */
  readonly stage: AnyStage
  readonly rules: StageRules
  readonly partition: number
  readonly wiring: StageWiring
  readonly log: StageLog
  readonly store: PartitionStore
  readonly metrics: StageMetrics
  readonly walk: WalkLimits
  readonly census: Census
  readonly heed: TaskHeed
}

/** Hears what an operator may want to know. */
export interface TaskHeed {
  /** A fault of ours that stops nothing. */
  fault(error: unknown): void
  /** Settings with a new number are in force; orders are being credited under them. */
  adopted(epoch: number): void
  /** Every order has been looked at under them. */
  settled(epoch: number): void
}

/** When a step of the walk through the state is taken. */
interface WalkMoment {
  /** Epoch ms. */
  readonly nowMs: number
  /** Inputs of which not everything has been processed that was there when they were last heard of. */
  readonly behind: readonly string[]
}

/** A batch as it is committed. */
interface Prepared {
  readonly batch: StageBatch
  readonly state: readonly StateRecord[]
  readonly mark: StageMark
  readonly outputs: readonly OutgoingRecord[]
  readonly purges: boolean
}

export class PartitionTask {
  readonly #options: TaskOptions
  readonly #entries: EntryStore<unknown>
  readonly #walk: StateWalk
  #stage: AnyStage
  #mark: StageMark = emptyMark
  #ownerOffset = -1
  /** When the newest record that was processed had been accepted, by topic; epoch ms. */
  readonly #readUpTo = new Map<string, number>()
  /** Nodes of this round through the state at which our own rules failed. */
  #failedInRound = 0

  constructor(options: TaskOptions) {
    this.#options = options
    this.#stage = options.stage
    this.#entries = entriesIn(options.store, options.wiring.stateCodec)
    this.#walk = new StateWalk(options.walk)
  }

  /** Fences older owners. @returns the changelog offset to restore from */
  async open(): Promise<number> {
    const { log, store, wiring } = this.#options
    this.#ownerOffset = await log.open()
    await wiring.stateCodec.learn(store.schemaIds().map(schemaHeader))
    // A store ahead of its changelog is a copy of one that is no more.
    if (store.changelogNext() > this.#ownerOffset) store.clear()
    this.#mark = store.mark()
    return store.changelogNext()
  }

  /** Applies changelog records. @returns true once this owner's own record came by: the state is complete */
  async restore(records: readonly IncomingRecord[]): Promise<boolean> {
    const { store, wiring } = this.#options
    assert(this.#ownerOffset >= 0, 'restored before it was opened')
    await wiring.marks.learn(records.filter(isMark).map(({ value }) => value))
    await wiring.stateCodec.learn(records.filter((one) => !isMark(one)).map(({ value }) => value))
    let done = false
    let next = store.changelogNext()
    let mark = this.#mark
    const entries: [string, Buffer | null][] = []
    for (const record of records) {
      // Beyond our own record without having met it: compaction took it, since somebody else has owned the partition
      // after us. What begins now fails with its first commit, and is opened anew.
      done ||= record.offset >= this.#ownerOffset
      if (record.offset > this.#ownerOffset) break
      next = record.offset + 1
      const key = String(record.key)
      if (key === markKeys.mark) mark = this.#readMark(record)
      else if (key !== markKeys.owner) entries.push([key, record.value])
    }
    const schemaIds = schemaIdsOf(store, entries)
    // The changelog does not say what was removed on request.
    const purges = entries.some(([, value]) => value === null)
    store.apply({ entries, from: null, mark, changelogNext: next, schemaIds, purges })
    this.#mark = mark
    if (done) this.#begin()
    return done
  }

  /** Next offset of each input topic, by its name on the broker. */
  positions(): Readonly<Record<string, number>> {
    return this.#mark.positions
  }

  /**
   * Processes one batch, in this order:
   * 1. drop records below the positions, decode the rest, run the step on each over an overlay of the store;
   * 2. settle what the batch touched;
   * 3. commit one transaction: state, positions, outputs, messages to other partitions, dead letters;
   * 4. apply the overlay to the store, which checks that it stands where the batch began.
   * A crash before 3 repeats the batch; between 3 and 4 the changelog brings the store up to date.
   * @throws DependencyError when the outcome of 3 is unknown: close the task and open it again
   */
  async process(records: readonly IncomingRecord[]): Promise<void> {
    const fresh = records.filter(
      ({ topic, offset }) => offset >= (this.#mark.positions[topic] ?? 0),
    )
    if (fresh.length === 0) return
    const began = performance.now()
    const prepared = await this.#prepare(fresh)
    if (prepared === null) return
    const { batch, state, outputs, mark } = prepared
    if (state.length > 0 || outputs.length > 0) await this.#commit(prepared)
    this.#mark = mark
    // What all nodes may read has changed: they are looked after as soon as may be.
    if (batch.counts.common > 0) this.#walk.hasten()
    const { metrics } = this.#options
    const seconds = (performance.now() - began) / 1_000
    metrics.batch({ stage: this.#stage.name, records: fresh, batch, outputs, seconds })
  }

  /**
   * Goes one step further through the state; what that changes is committed like a batch. A round in which a node
   * could not be looked after does not count as one under the settings in force: the next round tries again.
   * @throws DependencyError as `process` does
   */
  async walk({ nowMs, behind }: WalkMoment): Promise<void> {
    const { store, wiring, census, metrics, partition } = this.#options
    const step = this.#walk.step(store, nowMs)
    if (step === null) return
    for (const value of step.values) census.count(readEntry(wiring.stateCodec, value))
    const failedBefore = this.#failedInRound
    const settled = await this.#tend(step.nodes, this.#heardUpTo(behind))
    const failed = this.#failedInRound - failedBefore
    if (step.ended) await this.#endRound()
    const { epoch, settledEpoch } = this.#mark
    const progress = step.ended ? 1 : step.seen / Math.max(step.seen, store.size())
    const walked = { ...step, progress, settled, failed, epoch, settledEpoch }
    metrics.walked(this.#stage.name, partition, walked)
  }

  async #endRound(): Promise<void> {
    this.#options.census.roundEnded()
    const failed = this.#failedInRound
    this.#failedInRound = 0
    if (failed > 0 || !isUnsettled(this.#mark)) return
    this.#mark = { ...this.#mark, settledEpoch: this.#mark.epoch }
    await this.confirm()
    this.#options.heed.settled(this.#mark.epoch)
  }

  /** Looks after nodes. One at which our own rules fail is left as it is, and said. @returns how many were settled */
  async #tend(nodes: readonly string[], acceptedUpTo: number): Promise<number> {
    let prepared: Prepared
    try {
      const batch = this.#openBatch(acceptedUpTo)
      const upkeep = { settingsChanged: isUnsettled(this.#mark) }
      for (const node of nodes) batch.tend(node, upkeep)
      prepared = this.#settle(batch, this.#mark, [])
    } catch (error) {
      if (nodes.length > 1) {
        let settled = 0
        for (const node of nodes) settled += await this.#tend([node], acceptedUpTo)
        return settled
      }
      this.#failedInRound += 1
      this.#options.heed.fault(error)
      return 0
    }
    const { batch, state, outputs, mark } = prepared
    if (state.length > 0 || outputs.length > 0) await this.#commit(prepared)
    this.#mark = mark
    return batch.counts.settled
  }

  /** Of what was accepted up to then nothing is unheard; 0 while that is not known. While an input lags, that is
   * what was read of it, however far others are: what is still to come must find what it needs. */
  #heardUpTo(behind: readonly string[]): number {
    return Math.min(this.#newest(), ...behind.map((topic) => this.#readUpTo.get(topic) ?? 0))
  }

  #newest(): number {
    return Math.max(0, ...this.#readUpTo.values())
  }

  /** Puts positions into the changelog that went on without anything to write. */
  async flush(): Promise<void> {
    const stored = this.#options.store.mark().positions
    const ahead = Object.entries(this.#mark.positions).some(
      ([topic, offset]) => stored[topic] !== offset,
    )
    if (ahead) await this.confirm()
  }

  /** Writes the positions as they are: only who still owns the partition can.
   * @throws DependencyError as `process` does */
  async confirm(): Promise<void> {
    await this.#commit({ state: [], mark: this.#mark, outputs: [], purges: false })
  }

  /**
   * Steps 1 and 2, and the encoding. A batch that fails is our own fault and has changed nothing: its records are
   * taken one by one, so that the one at fault is known; the changelog counts it and the process dies of it.
   * @returns null when the records were processed one by one
   */
  async #prepare(records: readonly IncomingRecord[]): Promise<Prepared | null> {
    await this.#options.wiring.learn(records)
    for (const { topic, timestampMs } of records) {
      this.#readUpTo.set(topic, Math.max(this.#readUpTo.get(topic) ?? 0, timestampMs))
    }
    try {
      const batch = this.#openBatch(this.#newest())
      const letters = this.#observe(records, batch)
      return this.#settle(batch, advanceMark(this.#mark, records), letters)
    } catch (error) {
      const [first, ...others] = records
      if (first === undefined) throw error
      if (others.length > 0) {
        for (const record of records) await this.process([record])
        return null
      }
      await this.#options.log.commit(this.#changelog([], countCrash(this.#mark, first)))
      throw error
    }
  }

  #openBatch(acceptedUpTo: number): StageBatch {
    const { partition, wiring } = this.#options
    const { partitions } = wiring
    return openBatch(this.#stage, this.#entries, { partition, partitions, acceptedUpTo })
  }

  #settle(batch: StageBatch, mark: StageMark, letters: readonly OutgoingRecord[]): Prepared {
    const { wiring } = this.#options
    batch.settle()
    const state = [...batch.changes()].map(([key, entry]): StateRecord => [
      key,
      entry === null ? null : fitting(wiring.stateCodec.encode(entry)),
    ])
    return {
      ...{ batch, state, mark: { ...mark, partitions: wiring.partitions } },
      outputs: [...this.#outputs(batch), ...letters],
      purges: batch.counts.purging > 0,
    }
  }

  /** Steps 3 and 4. */
  async #commit({ state, mark, outputs, purges }: Omit<Prepared, 'batch'>): Promise<void> {
    const { log, store } = this.#options
    const next = await log.commit([...this.#changelog(state, mark), ...outputs])
    assert(next !== null, 'the mark was committed without an offset')
    const schemaIds = schemaIdsOf(store, state)
    const from = store.mark()
    store.apply({ entries: state, from, mark, changelogNext: next, schemaIds, purges })
  }

  #observe(records: readonly IncomingRecord[], batch: StageBatch): OutgoingRecord[] {
    const { prefix } = this.#options.wiring
    const stage = this.#stage.name
    const letters: OutgoingRecord[] = []
    for (const record of records) {
      if (isForAnother(record.headers, stage)) continue
      const outcome = this.#step(record, batch)
      if (outcome !== undefined) letters.push(deadLetter(record, outcome, { stage, prefix }))
    }
    return letters
  }

  #step(record: IncomingRecord, batch: StageBatch): Reject | undefined {
    const { wiring } = this.#options
    const crashes = crashesOf(this.#mark, record)
    if (crashes >= crashesMax) return reject('crashed', `crashed the processor ${crashes} times`)
    const value = wiring.decode(record)
    if (isReject(value)) return value
    const { topic, timestampMs: appendedAt } = record
    return batch.observe({ topic: wiring.catalogueName(topic), value, appendedAt })
  }

  #changelog(state: readonly StateRecord[], mark: StageMark): OutgoingRecord[] {
    const { wiring, partition } = this.#options
    const topic = wiring.changelog
    const value = wiring.marks.encode(markRecord(mark))
    const records: OutgoingRecord[] = state.map(([key, entry]) => ({
      topic,
      partition,
      key,
      value: entry,
    }))
    records.push({ topic, partition, key: markKeys.mark, value })
    return records
  }

  #outputs(batch: StageBatch): OutgoingRecord[] {
    const { wiring } = this.#options
    const outputs = [
      ...batch.emissions.map((emission) => wiring.encodeEmission(emission)),
      ...batch.loops.map((message) => wiring.encodeLoop(message)),
    ]
    for (const { value } of outputs) if (value !== null) fitting(value)
    return outputs
  }

  #readMark(record: IncomingRecord): StageMark {
    const mark: MarkRecord | Reject = this.#options.wiring.marks.decode(record.value)
    assert(!isReject(mark), 'the changelog holds a mark that cannot be read')
    return markFrom(mark)
  }

  /** The state is complete: from now on its settings hold, or this process's where they are newer. */
  #begin(): void {
    this.#checkPartitions()
    const { rules, heed } = this.#options
    const had = this.#mark.epoch
    this.#mark = adoptRules(this.#mark, rules)
    if (this.#mark.epoch !== had) heed.adopted(this.#mark.epoch)
    this.#stage = rules.stageUnder(this.#mark.settings)
    this.#walk.restart()
  }

  #checkPartitions(): void {
    const had = this.#mark.partitions
    const { wiring } = this.#options
    const stage = this.#stage
    if (had !== 0 && had !== wiring.partitions) {
      throw new SetupError(
        `stage ${stage.name} was built on topics of ${had} partitions and finds ${wiring.partitions}: ` +
          'the count cannot be changed, create new topics and replay history',
      )
    }
  }
}

/** The broker would refuse a larger one for ever, and with it everything behind it. */
function fitting(value: Buffer): Buffer {
  assert(
    value.length < recordBytesMax,
    `a record of ${value.length} bytes is too large for its topic`,
  )
  return value
}

function isMark({ key }: IncomingRecord): boolean {
  const text = String(key)
  return text === markKeys.mark || text === markKeys.owner
}
