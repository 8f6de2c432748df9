// When a row can first be seen by whoever asks ClickHouse: asked again and again for those that are waited for.
import { setTimeout as pause } from 'node:timers/promises'
import type { Warehouse } from '../../services/runtime/clickhouse'

const pauseMs = 10

export interface RowWatch {
  /** Waits for a row from now on. */
  expect(id: string): void
  /** Milliseconds from `expect` to when it was seen, for each that was. */
  readonly delaysMs: readonly number[]
  /** Resolves when every row was seen. @throws when one was not within a minute */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** @param select a query of one column `id` over rows whose id is among `{ids:Array(String)}` */
export function watchRows(warehouse: Warehouse, select: string): RowWatch {
  const expected = new Map<string, number>()
  const delaysMs: number[] = []
  let stopped = false
  const look = async (): Promise<void> => {
    while (!stopped) {
      if (expected.size > 0) {
        const found = await warehouse.query<{ id: string }>(select, { ids: [...expected.keys()] })
        const now = performance.now()
        for (const { id } of found) {
          const since = expected.get(id)
          if (since === undefined) continue
          delaysMs.push(now - since)
          expected.delete(id)
        }
      }
      await pause(pauseMs)
    }
  }
  const looking = look()
  return {
    expect: (id) => {
      expected.set(id, performance.now())
    },
    delaysMs,
    settled: async () => {
      const deadline = performance.now() + 60_000
      while (expected.size > 0) {
        if (performance.now() > deadline) {
          throw new Error(`${expected.size} rows were not seen, ${[...expected.keys()][0] ?? ''}`)
        }
        await pause(pauseMs)
      }
    },
    stop: async () => {
      stopped = true
      await looking
    },
  }
}
