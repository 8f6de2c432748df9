// When a row can first be seen by whoever asks ClickHouse: asked again and again for those that are waited for.
import { setTimeout as pause } from 'node:timers/promises'
import type { Warehouse } from '../../services/runtime/clickhouse'

/** Who looks costs ClickHouse more than what is looked for, if it looks more often. */
const pauseMs = 50
/** They stand in the request's head; those expected longest come first. */
const idsMax = 200

export interface RowWatch {
  /** Waits for a row from now on; how many milliseconds it took is added to `delaysMs` when it is seen. */
  expect(id: string, delaysMs: number[]): void
  /** Resolves when every row was seen. @throws when one was not within a minute */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** @param select a query of one column `id` over rows whose id is among `{ids:Array(String)}` */
export function watchRows(warehouse: Warehouse, select: string): RowWatch {
  const expected = new Map<string, { readonly sinceMs: number; readonly delaysMs: number[] }>()
  let stopped = false
  const look = async (): Promise<void> => {
    while (!stopped) {
      if (expected.size > 0) {
        const ids = [...expected.keys()].slice(0, idsMax)
        const found = await warehouse.query<{ id: string }>(select, { ids })
        const now = performance.now()
        for (const { id } of found) {
          const one = expected.get(id)
          one?.delaysMs.push(now - one.sinceMs)
          expected.delete(id)
        }
      }
      await pause(pauseMs)
    }
  }
  const looking = look()
  return {
    expect: (id, delaysMs) => {
      expected.set(id, { sinceMs: performance.now(), delaysMs })
    },
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
