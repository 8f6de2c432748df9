// One fault, or several at once, in the middle of its stretch of the load.
import { setTimeout as pause } from 'node:timers/promises'
import type { Accepted } from './accepted'
import type { Ground } from './installation'
import type { Load } from './load'
import { awaitRecovery, untilReady, type FreshnessBounds, type Recovery } from './recovery'
import type { Fault, Scene } from './scene'

/** What came of one fault, or of several at once. */
export interface FaultRecord {
  readonly faults: readonly string[]
  readonly says: readonly string[]
  /** Requests of the load begun before it. */
  readonly atRequest: number
  /** Seconds after the run's load began. */
  readonly injectedSeconds: number
  readonly healedSeconds: number
  /** Requests that met it; null where they cannot be counted. */
  readonly met: number | null
  /** Faults that no request met: they say nothing. */
  readonly unmet: readonly string[]
  readonly recovery: Recovery
}

export interface Surroundings {
  readonly load: Load
  readonly scene: Scene
  readonly ground: Ground
  readonly accepted: Accepted
  readonly bounds: FreshnessBounds
  readonly say: (line: string) => void
  readonly startedMs: number
}

/** Its stretch of the load goes on before, during and after the fault, and never into the next one's. */
export async function playFault(
  { load, scene, ground, accepted, bounds, say, startedMs }: Surroundings,
  together: readonly Fault[],
  stretch: { readonly from: number; readonly to: number; readonly paceSeconds: number },
): Promise<FaultRecord> {
  const { from, to, paceSeconds } = stretch
  const holdMs = Math.max(...together.map((fault) => fault.holdMs))
  const requests = to - from
  load.goOn(to, (paceSeconds * 1_000 + holdMs) / Math.max(1, requests))
  await load.reached(from + Math.floor(requests / 5))
  const atRequest = load.begun()
  const injectedMs = Date.now()
  say(`injecting ${together.map(({ name }) => name).join(' and ')} at request ${atRequest}`)
  await Promise.all(together.map((fault) => fault.inject(scene)))
  await pause(holdMs)
  await untilMet(together, scene)
  const met = metBy(together, scene)
  const unmet = together.filter((fault) => fault.met?.(scene) === 0).map(({ name }) => name)
  const healedMs = Date.now()
  await Promise.all(together.map((fault) => fault.heal(scene)))
  const recovery = await awaitRecovery({ ground, accepted, bounds }, healedMs)
  await untilReady(scene.crew)
  const { tablesMs, erpMs, missing } = recovery
  say(
    missing.length > 0
      ? `not recovered: ${missing.join('; ')}`
      : `recovered ${tablesMs ?? '?'} ms after healing began (ERP ${erpMs ?? '?'} ms)`,
  )
  const seconds = (ms: number): number => Math.round((ms - startedMs) / 100) / 10
  return {
    faults: together.map(({ name }) => name),
    says: together.map(({ says }) => says),
    ...{ atRequest, met, unmet, recovery },
    ...{ injectedSeconds: seconds(injectedMs), healedSeconds: seconds(healedMs) },
  }
}

const metTimeoutMs = 20_000

/** A fault that nobody met says nothing. */
async function untilMet(together: readonly Fault[], scene: Scene): Promise<void> {
  const deadline = Date.now() + metTimeoutMs
  while (together.some((fault) => fault.met?.(scene) === 0) && Date.now() < deadline) {
    await pause(50)
  }
}

function metBy(together: readonly Fault[], scene: Scene): number | null {
  const counts = together.flatMap((fault) => fault.met?.(scene) ?? [])
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0)
}
