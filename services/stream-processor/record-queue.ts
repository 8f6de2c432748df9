// Records fetched for one partition and not yet processed, bounded by records and bytes. Loop records go
// first: what nodes say to one another comes before what is new.
import type { IncomingRecord } from '../runtime/kafka'

export interface RecordQueue {
  push(records: readonly IncomingRecord[]): void
  /** Up to `max` records; each topic's in order. */
  take(max: number): IncomingRecord[]
  /** Resolves when there is something to take, or `wake` is called. */
  filled(): Promise<void>
  wake(): void
  length(): number
  bytes(): number
}

export function createRecordQueue(loopTopic: string | null): RecordQueue {
  const loops = createLane()
  const inputs = createLane()
  let bytes = 0
  let wakeUp: (() => void) | null = null
  const wake = (): void => {
    wakeUp?.()
    wakeUp = null
  }
  const sizeOf = ({ key, value }: IncomingRecord): number =>
    (key?.length ?? 0) + (value?.length ?? 0)
  return {
    push: (records) => {
      for (const record of records) {
        const lane = record.topic === loopTopic ? loops : inputs
        lane.records.push(record)
        bytes += sizeOf(record)
      }
      wake()
    },
    take: (max) => {
      const taken = takeFrom(loops, max)
      taken.push(...takeFrom(inputs, max - taken.length))
      for (const record of taken) bytes -= sizeOf(record)
      return taken
    },
    filled: () =>
      lengthOf(loops) + lengthOf(inputs) > 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            wakeUp = resolve
          }),
    wake,
    length: () => lengthOf(loops) + lengthOf(inputs),
    bytes: () => bytes,
  }
}

interface Lane {
  records: IncomingRecord[]
  /** Where what has not been taken begins. */
  next: number
}

function createLane(): Lane {
  return { records: [], next: 0 }
}

function lengthOf({ records, next }: Lane): number {
  return records.length - next
}

/** What was taken is dropped when it is half of all there is: so each record is moved about once. */
function takeFrom(lane: Lane, max: number): IncomingRecord[] {
  const taken = lane.records.slice(lane.next, lane.next + max)
  lane.next += taken.length
  if (lane.next * 2 >= lane.records.length) {
    lane.records = lane.records.slice(lane.next)
    lane.next = 0
  }
  return taken
}
