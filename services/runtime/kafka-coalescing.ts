// Many callers share one produce: whatever has come in while the last send was under way, or within the
// flush time, goes out together, and each caller hears when its own records are acknowledged.
import { setImmediate as turn } from 'node:timers/promises'
import { DependencyError } from './errors'
import type { OutgoingRecord } from './kafka-records'
import type { Producer } from './kafka-producer'

interface CoalescingOptions {
  /** How long a lone record may wait for company. */
  readonly flushMs: number
  /** Most bytes waiting; beyond it a send fails at once instead of growing the queue. */
  readonly queueBytesMax: number
  /** Most records in one produce. */
  readonly sendRecordsMax: number
}

export interface CoalescingProducer {
  /** Resolves once Kafka has acknowledged these records.
   * @throws DependencyError when it did not; the records may or may not have been written */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /** Bytes waiting or under way. */
  queuedBytes(): number
  /** Sends what waits, then closes. */
  close(): Promise<void>
}

interface Waiting {
  readonly records: readonly OutgoingRecord[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export function coalesce(producer: Producer, options: CoalescingOptions): CoalescingProducer {
  let waiting: Waiting[] = []
  let queuedBytes = 0
  let running: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null

  const take = (): Waiting[] => {
    let records = 0
    const end = waiting.findIndex((entry) => {
      records += entry.records.length
      return records > options.sendRecordsMax
    })
    const taken = waiting.slice(0, end <= 0 ? (end === 0 ? 1 : waiting.length) : end)
    waiting = waiting.slice(taken.length)
    return taken
  }
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      // What has arrived by now and is not read yet goes along: fewer and larger sends cost the broker and us less.
      await turn()
      const taken = take()
      try {
        await producer.send(taken.flatMap(({ records }) => records))
        for (const { resolve } of taken) resolve()
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
      for (const { bytes } of taken) queuedBytes -= bytes
    }
  }
  const start = (): void => {
    timer = null
    running ??= flush().finally(() => {
      running = null
      if (waiting.length > 0) start()
    })
  }
  return {
    send: (records) =>
      new Promise<void>((resolve, reject) => {
        const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0) + 64, 0)
        if (queuedBytes + bytes > options.queueBytesMax) {
          reject(new DependencyError('kafka', 'the queue of records to send is full'))
          return
        }
        queuedBytes += bytes
        waiting.push({ records, bytes, resolve, reject })
        if (running === null) timer ??= setTimeout(start, options.flushMs)
      }),
    queuedBytes: () => queuedBytes,
    close: async () => {
      if (timer !== null) clearTimeout(timer)
      start()
      await running
      await producer.close()
    },
  }
}
