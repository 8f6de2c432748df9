// Records fetched for one partition and not yet processed, bounded by records and bytes. Loop records go first: what
// nodes say to one another comes before what is new. Of the others the one that reached its topic first: so a backlog
// is worked off in the order in which it came about, and no order is credited anew for every touch that came before it.
import assert from 'node:assert/strict'
import type { IncomingRecord } from '../runtime/kafka'

export interface RecordQueue {
  push(records: readonly IncomingRecord[]): void
  /** Up to `max` records, each topic's in order; fewer where the next may be one of a topic that `isAwaited`. */
  take(max: number, isAwaited: (topic: string) => boolean): IncomingRecord[]
  /** Resolves when something is pushed, or `wake` is called. */
  pushed(): Promise<void>
  wake(): void
  /** Of all topics. */
  length(): number
  waiting(topic: string): { readonly records: number; readonly bytes: number }
}

/** @param topics whose records it takes */
export function createRecordQueue(
  topics: readonly string[],
  loopTopic: string | null,
): RecordQueue {
  const lanes = new Map(topics.map((topic) => [topic, new Lane(topic)]))
  const loops = lanes.get(loopTopic ?? '')
  const inputs = [...lanes.values()].filter((lane) => lane !== loops)
  let wakeUp: (() => void) | null = null
  const wake = (): void => {
    wakeUp?.()
    wakeUp = null
  }
  const laneOf = (topic: string): Lane => {
    const lane = lanes.get(topic)
    assert(lane !== undefined, `no input ${topic}`)
    return lane
  }
  return {
    push: (records) => {
      for (const record of records) laneOf(record.topic).push(record)
      wake()
    },
    take: (max, isAwaited) => {
      const taken: IncomingRecord[] = []
      while (taken.length < max) {
        const record = loops?.shift() ?? earliestOf(inputs, isAwaited)?.shift()
        if (record === undefined) break
        taken.push(record)
      }
      return taken
    },
    pushed: () =>
      new Promise((resolve) => {
        wakeUp = resolve
      }),
    wake,
    length: () => [...lanes.values()].reduce((records, lane) => records + lane.length, 0),
    waiting: (topic) => ({ records: laneOf(topic).length, bytes: laneOf(topic).bytes }),
  }
}

/** The lane whose first record reached its topic before those of the others; none while that cannot be known. */
function earliestOf(
  lanes: readonly Lane[],
  isAwaited: (topic: string) => boolean,
): Lane | undefined {
  let first: Lane | undefined
  for (const lane of lanes) {
    if (lane.head === undefined) {
      if (isAwaited(lane.topic)) return undefined
    } else if (first?.head === undefined || lane.head.timestampMs < first.head.timestampMs) {
      first = lane
    }
  }
  return first
}

/** The records of one topic. */
class Lane {
  readonly topic: string
  bytes = 0
  #records: IncomingRecord[] = []
  /** Where what has not been taken begins. */
  #next = 0

  constructor(topic: string) {
    this.topic = topic
  }

  get length(): number {
    return this.#records.length - this.#next
  }

  get head(): IncomingRecord | undefined {
    return this.#records[this.#next]
  }

  push(record: IncomingRecord): void {
    this.#records.push(record)
    this.bytes += sizeOf(record)
  }

  /** What was taken is dropped when it is half of all there is: so each record is moved about once. */
  shift(): IncomingRecord | undefined {
    const record = this.#records[this.#next]
    if (record === undefined) return undefined
    this.#next += 1
    this.bytes -= sizeOf(record)
    if (this.#next * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#next)
      this.#next = 0
    }
    return record
  }
}

function sizeOf({ key, value }: IncomingRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
