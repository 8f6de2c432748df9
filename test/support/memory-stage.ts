// A partition's log and store in memory, with faults on demand, for the real task.
import { partitionOf } from '../../services/core/partition'
import type { RecordName, Records } from '../../services/core/records'
import { localCodec, type RecordCodec } from '../../services/runtime/codec'
import { DependencyError } from '../../services/runtime/errors'
import type { IncomingRecord, OutgoingRecord } from '../../services/runtime/kafka'
import {
  emptyMark,
  markRecord,
  type PartitionStore,
  type StageLog,
  type StageMark,
  type StoreChanges,
} from '../../services/stream-processor/ports'
import { keysBetween } from '../../services/stream-processor/overlay'
import { markKeys } from '../../services/stream-processor/kafka-stage-log'
import type { TaskOptions } from '../../services/stream-processor/partition-task'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import type { StageMetrics } from '../../services/stream-processor/stage-metrics'
import { fixedRules } from '../../services/stream-processor/stage-rules'
import type { StageWiring } from '../../services/stream-processor/stage-wiring'
import { noCensus } from '../../services/stream-processor/state-walk'

/** Committed transactions, and the changelog they make. */
export class MemoryLog implements StageLog {
  readonly transactions: (readonly OutgoingRecord[])[] = []
  readonly changelog: OutgoingRecord[] = []
  readonly #topic: string
  readonly #marks = localCodec('StageMark')
  /** The next commit fails: before anything is written, or after it. */
  fails: 'before' | 'after' | null = null

  constructor(changelogTopic: string) {
    this.#topic = changelogTopic
  }

  open(): Promise<number> {
    const owner = markRecord(emptyMark, 'me')
    const value = this.#marks.encode(owner)
    this.changelog.push({ topic: this.#topic, partition: 0, key: markKeys.owner, value })
    return Promise.resolve(this.changelog.length - 1)
  }

  commit(records: readonly OutgoingRecord[]): Promise<number | null> {
    const { fails } = this
    this.fails = null
    if (fails === 'before') return Promise.reject(new DependencyError('kafka', 'gone before'))
    this.transactions.push(records)
    this.changelog.push(...records.filter(({ topic }) => topic === this.#topic))
    if (fails === 'after') return Promise.reject(new DependencyError('kafka', 'gone after'))
    return Promise.resolve(this.changelog.length)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** What a consumer of the changelog would hand over from an offset on. */
  records(from: number): IncomingRecord[] {
    return this.changelog.slice(from).map(({ topic, key, value }, at) => ({
      ...{ topic, partition: 0, offset: from + at, headers: {}, timestampMs: 0 },
      key: Buffer.from(key ?? ''),
      value,
    }))
  }
}

export class MemoryPartitionStore implements PartitionStore {
  readonly entries = new Map<string, Buffer>()
  #mark: StageMark = emptyMark
  #next = 0
  #purgeDue = false
  /** The next apply fails, as a full disk would. */
  fails = false

  get(key: string): Buffer | undefined {
    return this.entries.get(key)
  }

  *range(from: string, to: string, reverse: boolean): Iterable<readonly [string, Buffer]> {
    const keys = keysBetween(this.entries.keys(), from, to)
    for (const key of reverse ? keys.reverse() : keys) {
      const value = this.entries.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  size(): number {
    return this.entries.size
  }

  mark(): StageMark {
    return this.#mark
  }

  changelogNext(): number {
    return this.#next
  }

  schemaIds(): readonly number[] {
    return []
  }

  apply({ entries, mark, changelogNext, purges }: StoreChanges): void {
    if (this.fails) {
      this.fails = false
      throw new Error('the disk is full')
    }
    for (const [key, value] of entries) {
      if (value === null) this.entries.delete(key)
      else this.entries.set(key, value)
    }
    this.#mark = mark
    this.#next = changelogNext
    this.#purgeDue ||= purges
  }

  purgeDue(): boolean {
    return this.#purgeDue
  }

  purge(): Promise<void> {
    this.#purgeDue = false
    return Promise.resolve()
  }

  clear(): void {
    this.entries.clear()
    this.#mark = emptyMark
    this.#next = 0
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

const knownCodecs = new Map<RecordName, RecordCodec<unknown>>()

/** The codec of a record, compiled once. */
export function memoryCodec<Name extends RecordName>(record: Name): RecordCodec<Records[Name]> {
  const known = knownCodecs.get(record) ?? localCodec(record)
  knownCodecs.set(record, known)
  return known as RecordCodec<Records[Name]>
}

/** A stage's wiring without a broker. */
export function memoryWiring(stage: AnyStage, partitions = 1): StageWiring {
  const topics = [
    ...stage.reads,
    ...(stage.loops === null ? [] : [stage.loops]),
    stage.keeps,
    ...stage.writes,
  ]
  const codecs = new Map(
    topics.map((topic) => [topic.name, memoryCodec(topic.record) as RecordCodec<unknown>]),
  )
  const codecOf = (name: string): RecordCodec<unknown> => {
    const codec = codecs.get(name)
    if (codec === undefined) throw new Error(`no topic ${name}`)
    return codec
  }
  return {
    prefix: '',
    inputs: [...stage.reads, ...(stage.loops === null ? [] : [stage.loops])].map(
      ({ name }) => name,
    ),
    loop: stage.loops?.name ?? null,
    changelog: stage.keeps.name,
    partitions,
    stateCodec: codecOf(stage.keeps.name),
    marks: memoryCodec('StageMark'),
    learn: () => Promise.resolve(),
    decode: ({ topic, value }): unknown => codecOf(topic).decode(value),
    catalogueName: (name) => name,
    encodeEmission: ({ topic, key, value }) => ({
      ...{ topic: topic.name, partition: partitionOf(Buffer.from(key), partitions), key },
      value: value === null ? null : codecOf(topic.name).encode(value),
    }),
    encodeLoop: ({ partition, key, value }) => {
      const topic = stage.loops?.name ?? ''
      return { topic, partition, key, value: codecOf(topic).encode(value) }
    },
  }
}

export const noMetrics: StageMetrics = {
  batch: () => undefined,
  lag: () => undefined,
  queued: () => undefined,
  walked: () => undefined,
  reopened: () => undefined,
}

/** What a task needs besides its log and its store; what only production has is left out. */
export function memoryTask(
  stage: AnyStage,
  rules = fixedRules(stage),
): Omit<TaskOptions, 'log' | 'store'> {
  return {
    ...{ stage, rules, partition: 0, wiring: memoryWiring(stage), metrics: noMetrics },
    walk: { stepEntriesMax: 1_000, roundMs: 0 },
    census: noCensus,
    heed: {
      fault: (error) => {
        throw error
      },
      adopted: () => undefined,
      settled: () => undefined,
    },
  }
}
