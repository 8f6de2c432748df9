// Brings what was spooled to Kafka, oldest first, one batch after the other, for as long as the edge runs.
import type { Health } from './health'
import { retry } from './retry'
import type { Spool } from './spool'
import type { SpooledRecord } from './spool-frame'

export interface ReplayOptions {
  readonly spool: Pick<Spool, 'oldest'>
  /** Resolves once Kafka has the records. @throws DependencyError when that cannot be said */
  readonly send: (records: readonly SpooledRecord[]) => Promise<void>
  readonly onReplayed: (records: number) => void
  readonly health: Pick<Health, 'unwell' | 'well'>
}

export interface Replay {
  /** To be called when the spool has something. */
  wake(): void
  /** What is under way may still reach Kafka; it stays in the spool and is sent again by the next process. */
  close(): void
}

/** One produce; records of live requests take their turns between two of them. */
const batchRecords = 500
/** The spool is also the probe that finds Kafka back. */
const maxPauseMs = 2_000

export function replaySpool({ spool, send, onReplayed, health }: ReplayOptions): Replay {
  let closed = false
  let running: Promise<void> | null = null
  let wanted = false
  const goOn = (): boolean => !closed

  const drain = async (): Promise<void> => {
    while (wanted && !closed) {
      wanted = false
      const options = { health, maxPauseMs, goOn }
      const next = (): ReturnType<Spool['oldest']> => retry(() => spool.oldest(), options)
      for (let segment = await next(); segment !== null; segment = await next()) {
        const { records } = segment
        for (let start = 0; start < records.length; start += batchRecords) {
          const batch = records.slice(start, start + batchRecords)
          await retry(() => send(batch), options)
          onReplayed(batch.length)
        }
        if (!goOn()) return
        const { remove } = segment
        await retry(() => remove(), options)
      }
    }
  }
  const run = (): void => {
    running ??= drain()
      .catch((error: unknown) => {
        if (!closed) throw error
      })
      .finally(() => {
        running = null
        if (wanted && !closed) run()
      })
  }
  return {
    wake: () => {
      wanted = true
      run()
    },
    close: () => {
      closed = true
    },
  }
}
