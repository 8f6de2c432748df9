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
  clear(): void
  length(): number
  bytes(): number
}

export function createRecordQueue(loopTopic: string | null): RecordQueue {
  let loops: IncomingRecord[] = []
  let inputs: IncomingRecord[] = []
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
        if (record.topic === loopTopic) loops.push(record)
        else inputs.push(record)
        bytes += sizeOf(record)
      }
      wake()
    },
    take: (max) => {
      const taken = loops.slice(0, max)
      loops = loops.slice(taken.length)
      const more = inputs.slice(0, max - taken.length)
      inputs = inputs.slice(more.length)
      taken.push(...more)
      for (const record of taken) bytes -= sizeOf(record)
      return taken
    },
    filled: () =>
      loops.length + inputs.length > 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            wakeUp = resolve
          }),
    wake,
    clear: () => {
      loops = []
      inputs = []
      bytes = 0
    },
    length: () => loops.length + inputs.length,
    bytes: () => bytes,
  }
}
