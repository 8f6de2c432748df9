// When a fault is over for those who look at the results: everything that was accepted before it was healed is to
// be seen, and what is accepted now is to be seen as soon as without the fault.
import { setTimeout as pause } from 'node:timers/promises'
import { DependencyError } from '../../services/runtime/errors'
import type { Accepted, Overdue } from './accepted'
import type { Crew } from './crew'
import type { Ground } from './installation'

export const readyTimeoutMs = 90_000
const recoveryTimeoutMs = 150_000
const erpLookMs = 1_000

/** How long after its acceptance a record may be on its way. */
export interface FreshnessBounds {
  readonly tablesMs: number
  readonly erpMs: number
}

export interface Recovery {
  /** Milliseconds from when healing began, starting what was stopped included, until ClickHouse shows all that was accepted and is fresh again; null: not in time. */
  readonly tablesMs: number | null
  /** The same for sales in the ERP. */
  readonly erpMs: number | null
  /** What was still missing when time was up. */
  readonly missing: readonly string[]
}

/** Until all processes, or those of one service, say that they are ready. */
export async function untilReady(crew: Crew, service = ''): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs
  for (;;) {
    const unready = (await crew.unready()).filter((instance) => instance.startsWith(service))
    if (unready.length === 0) return
    if (Date.now() > deadline) {
      const words = crew.deaths
        .slice(-3)
        .map(({ instance, words }) => `; ${instance} died: ${words}`)
      throw new Error(
        `waited ${readyTimeoutMs / 1_000} s for ${unready.join(', ')} to be ready${words.join('')}`,
      )
    }
    await pause(100)
  }
}

export async function awaitRecovery(
  { ground, accepted, bounds }: { ground: Ground; accepted: Accepted; bounds: FreshnessBounds },
  healedAtMs: number,
): Promise<Recovery> {
  const deadline = Date.now() + recoveryTimeoutMs
  let tablesMs: number | null = null
  let erpMs: number | null = null
  for (let erpLookedAt = 0; ;) {
    const looked = Date.now()
    await asLongAsAway(() => accepted.lookAtTables(ground.warehouse))
    if (looked - erpLookedAt >= erpLookMs) {
      erpLookedAt = looked
      await asLongAsAway(() => accepted.lookAtErp(ground.erp))
    }
    const since = (boundMs: number): number => Math.max(healedAtMs, looked - boundMs)
    const inTables = accepted.overdueInTables(since(bounds.tablesMs))
    const inErp = accepted.overdueInErp(since(bounds.erpMs))
    if (inTables.count === 0) tablesMs ??= looked - healedAtMs
    if (inErp.count === 0) erpMs ??= looked - healedAtMs
    if (tablesMs !== null && erpMs !== null) return { tablesMs, erpMs, missing: [] }
    if (looked > deadline) {
      return {
        tablesMs,
        erpMs,
        missing: [...wordsOf('ClickHouse', inTables), ...wordsOf('the ERP', inErp)],
      }
    }
    await pause(150)
  }
}

/** A part that was just started may break off our own first call: it shows nothing yet, that is all. */
async function asLongAsAway(look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (error) {
    if (!(error instanceof DependencyError)) throw error
  }
}

function wordsOf(where: string, { count, examples }: Overdue): string[] {
  return count === 0 ? [] : [`${count} records not in ${where}, for example ${examples.join(', ')}`]
}
