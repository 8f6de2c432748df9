// The same topology value that runs on Kafka, in memory: every topic is a list, every partition has a store,
// and a batch takes as many records as the caller says. Values pass through their Avro schemas on the way.
import { partitionOf } from '../../services/core/partition'
import { isReject } from '../../services/core/reject'
import type { Topic, ValueOf } from '../../services/core/topics'
import { localCodec, type RecordCodec } from '../../services/runtime/codec'
import {
  fullKey,
  keysBetween,
  type EntryStore,
  type Near,
  type NearRange,
} from '../../services/stream-processor/overlay'
import {
  openBatch,
  type AnyStage,
  type StageBatch,
} from '../../services/stream-processor/stage-batch'

interface MemoryRecord {
  readonly topic: Topic
  readonly partition: number
  readonly key: string
  /** Null removes what was said of the key. */
  readonly bytes: Buffer | null
  readonly appendedAt: number
}

interface Task {
  stage: AnyStage
  readonly partition: number
  readonly store: MemoryStore
  /** One queue per input topic: records of one topic stay in order. */
  readonly queues: Map<string, MemoryRecord[]>
}

export interface DriverOptions {
  readonly partitions?: number
  /** Picks the next of n tasks or queues; by default the first. */
  readonly pick?: (n: number) => number
  /** Records per batch. */
  readonly batch?: number
}

const codecs = new Map<string, RecordCodec<unknown>>()

export class TopologyDriver {
  readonly #partitions: number
  readonly #pick: (n: number) => number
  readonly #batch: number
  readonly #tasks: Task[]
  readonly #written: MemoryRecord[] = []
  #acceptedUpTo = 0
  #appendedAt = 0
  /** Records that a stage refused. */
  readonly rejected: {
    readonly topic: string
    readonly reason: string
    readonly detail: string
  }[] = []

  constructor(stages: readonly unknown[], options: DriverOptions = {}) {
    this.#partitions = options.partitions ?? 4
    this.#pick = options.pick ?? (() => 0)
    this.#batch = options.batch ?? 50
    this.#tasks = (stages as AnyStage[]).flatMap((stage) =>
      Array.from({ length: this.#partitions }, (_, partition) => ({
        stage,
        partition,
        store: new MemoryStore(),
        queues: new Map<string, MemoryRecord[]>(),
      })),
    )
  }

  /** Appends a record to a topic; nothing is processed before `run`. */
  pipe<T extends Topic>(topic: T, key: string, value: ValueOf<T>): this {
    this.#append(topic, { key, value, partition: this.#partitionOf(key) })
    return this
  }

  /** Appends a record to a partition that is not its own, as a foreign producer might. */
  pipeStray<T extends Topic>(
    topic: T,
    stray: { key: string; partition: number; value: ValueOf<T> },
  ): this {
    this.#append(topic, stray)
    return this
  }

  /** What is appended from now on reaches its topic then; before this is called nobody knows when. */
  at(appendedAtMs: number): this {
    this.#appendedAt = appendedAtMs
    return this
  }

  /** Processes until nothing is left. */
  run(): this {
    for (let ready = this.#ready(); ready.length > 0; ready = this.#ready()) {
      const task = ready[this.#pick(ready.length)]
      if (task !== undefined) this.#runBatch(task)
    }
    return this
  }

  /** Looks after every node once, as if records were accepted up to a time, and processes what comes of it.
   * @param under stages under new settings, to take the place of those of the same name */
  tend(acceptedUpTo: number, under: readonly unknown[] = []): this {
    this.#acceptedUpTo = acceptedUpTo
    for (const task of this.#tasks) {
      const changed = (under as AnyStage[]).find(({ name }) => name === task.stage.name)
      if (changed !== undefined) task.stage = changed
      const batch = this.#openBatch(task)
      const upkeep = { settingsChanged: changed !== undefined }
      for (const node of task.store.nodes()) batch.tend(node, upkeep)
      this.#finish(task, batch)
    }
    return this.run()
  }

  /** Everything all stores hold, by full key. */
  state(): Map<string, unknown> {
    return new Map(this.#tasks.flatMap(({ store }) => [...store.all()]))
  }

  /** What was written to a topic, oldest first. */
  read<T extends Topic>(topic: T): ValueOf<T>[] {
    return this.#written
      .filter((record) => record.topic.name === topic.name && record.bytes !== null)
      .map((record) => this.#decode(record) as ValueOf<T>)
  }

  /** The newest value of each key: of equal versions the last written. */
  latest<T extends Topic>(topic: T): Map<string, ValueOf<T>> {
    const latest = new Map<string, ValueOf<T>>()
    for (const record of this.#written.filter(({ topic: { name } }) => name === topic.name)) {
      if (record.bytes === null) {
        latest.delete(record.key)
        continue
      }
      const value = this.#decode(record) as ValueOf<T> & { version?: number }
      const known = latest.get(record.key) as { version?: number } | undefined
      if (known === undefined || (value.version ?? 0) >= (known.version ?? 0)) {
        latest.set(record.key, value)
      }
    }
    return latest
  }

  #ready(): Task[] {
    return this.#tasks.filter(({ queues }) => [...queues.values()].some(({ length }) => length > 0))
  }

  #runBatch({ stage, partition, store, queues }: Task): void {
    const batch = this.#openBatch({ stage, partition, store })
    for (let taken = 0; taken < this.#batch; taken += 1) {
      const waiting = [...queues.values()].filter(({ length }) => length > 0)
      const record = waiting[this.#pick(waiting.length)]?.shift()
      if (record === undefined) break
      const { topic, appendedAt } = record
      const outcome = batch.observe({ topic: topic.name, value: this.#decode(record), appendedAt })
      if (outcome !== undefined) {
        this.rejected.push({
          topic: record.topic.name,
          reason: outcome.rejected,
          detail: outcome.detail,
        })
      }
    }
    this.#finish({ stage, store }, batch)
  }

  #openBatch({ stage, partition, store }: Pick<Task, 'stage' | 'partition' | 'store'>): StageBatch {
    const acceptedUpTo = this.#acceptedUpTo
    return openBatch(stage, store, { partition, partitions: this.#partitions, acceptedUpTo })
  }

  #finish({ stage, store }: Pick<Task, 'stage' | 'store'>, batch: StageBatch): void {
    batch.settle()
    for (const [key, entry] of batch.changes()) {
      store.set(key, entry === null ? null : this.#throughCodec(stage.keeps, entry))
    }
    for (const { topic, key, value } of batch.emissions) {
      this.#append(topic, { key, value, partition: this.#partitionOf(key) })
    }
    for (const { partition: to, key, value } of batch.loops) {
      if (stage.loops !== null) this.#append(stage.loops, { key, value, partition: to })
    }
  }

  #append(
    topic: Topic,
    { key, value, partition }: { key: string; value: unknown; partition: number },
  ): void {
    const bytes = value === null ? null : this.#codec(topic).encode(value)
    const record = { topic, partition, key, bytes, appendedAt: this.#appendedAt }
    this.#written.push(record)
    for (const task of this.#tasks) {
      const reads = [...task.stage.reads, ...(task.stage.loops === null ? [] : [task.stage.loops])]
      if (task.partition !== partition || !reads.some(({ name }) => name === topic.name)) continue
      const queue = task.queues.get(topic.name)
      if (queue === undefined) task.queues.set(topic.name, [record])
      else queue.push(record)
    }
  }

  #partitionOf(key: string): number {
    return partitionOf(Buffer.from(key), this.#partitions)
  }

  #codec(topic: Topic): RecordCodec<unknown> {
    const known = codecs.get(topic.record)
    if (known !== undefined) return known
    const codec = localCodec(topic.record) as RecordCodec<unknown>
    codecs.set(topic.record, codec)
    return codec
  }

  #decode({ topic, bytes }: MemoryRecord): unknown {
    const value = this.#codec(topic).decode(bytes)
    if (isReject(value)) throw new Error(`${topic.name}: ${value.detail}`)
    return value
  }

  #throughCodec(topic: Topic, entry: unknown): unknown {
    return this.#codec(topic).decode(this.#codec(topic).encode(entry))
  }
}

/** Entries by node, since a range never leaves one node. */
class MemoryStore implements EntryStore<unknown> {
  readonly #nodes = new Map<string, Map<string, unknown>>()

  get(key: string): unknown {
    return this.#nodes.get(nodeOfKey(key))?.get(key)
  }

  *range(from: string, to: string, reverse: boolean): Iterable<readonly [string, unknown]> {
    const entries = this.#nodes.get(nodeOfKey(from))
    if (entries === undefined) return
    const keys = keysBetween(entries.keys(), from, to)
    for (const key of reverse ? keys.reverse() : keys) yield [key, entries.get(key)]
  }

  near(node: string, { from, to, max }: NearRange): Near<unknown> | null {
    const found = [...this.range(fullKey(node, from), fullKey(node, to), false)]
    if (found.length > max) return null
    return new Map(found.map(([key, entry]) => [key.slice(node.length + 1), { read: () => entry }]))
  }

  nodes(): string[] {
    return [...this.#nodes.keys()]
  }

  *all(): Iterable<readonly [string, unknown]> {
    for (const entries of this.#nodes.values()) yield* entries
  }

  set(key: string, entry: unknown): void {
    const node = nodeOfKey(key)
    const entries = this.#nodes.get(node)
    if (entry === null) entries?.delete(key)
    else if (entries === undefined) this.#nodes.set(node, new Map([[key, entry]]))
    else entries.set(key, entry)
  }
}

function nodeOfKey(key: string): string {
  return key.slice(0, key.indexOf(' '))
}
