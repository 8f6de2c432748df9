// One run: the fixed load over new ground, with its faults at fixed points of it, until it has come to rest.
import { setTimeout as pause } from 'node:timers/promises'
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { Delivery } from '../evening/clients'
import { Accepted } from './accepted'
import type { Crew, Death } from './crew'
import { compareBooks, readErpBooks, type ErpBooks } from './erp-books'
import { differingRows, readDigests, type DigestPair } from './differences'
import { breakGround, type Ground, type Installation } from './installation'
import { Load } from './load'
import { awaitRecovery, untilReady, type FreshnessBounds, type Recovery } from './recovery'
import type { Fault, Scene } from './scene'
import { assembleCrew, startAll } from './staging'

export interface Play {
  readonly installation: Installation
  readonly deliveries: readonly Delivery[]
  readonly beganAt: number
  readonly say: (line: string) => void
}

export interface RunPlan {
  /** Also the name of its database. */
  readonly name: string
  /** Those of one entry are injected and healed together. */
  readonly faults: readonly (readonly Fault[])[]
  /** Over how long a run without faults sends its load; how long a fault is given beside its own time. */
  readonly paceSeconds: number
  /** The first run on a new stack need not empty it. */
  readonly used: boolean
}

/** What came of one fault, or of several at once. */
export interface FaultRecord {
  readonly faults: readonly string[]
  readonly says: readonly string[]
  /** Requests of the load begun before it. */
  readonly atRequest: number
  /** Seconds after the run's load began. */
  readonly injectedSeconds: number
  readonly healedSeconds: number
  readonly recovery: Recovery
}

export interface RunRecord {
  readonly name: string
  readonly seconds: number
  readonly requests: number
  readonly clientRetries: number
  readonly faults: readonly FaultRecord[]
  readonly deaths: readonly Death[]
}

/** A run that has been played and whose services still run. */
export interface Stage {
  readonly record: RunRecord
  readonly ground: Ground
  readonly crew: Crew
  close(): Promise<void>
}

/** Plays the whole load and every fault. @throws when a fault is not recovered from or the load not taken */
export async function conduct(play: Play, plan: RunPlan, bounds: FreshnessBounds): Promise<Stage> {
  const { installation, deliveries, beganAt, say } = play
  const ground = await breakGround(installation, { database: plan.name, used: plan.used })
  const crew = await assembleCrew(installation, {
    dataDirectory: ground.dataDirectory,
    database: plan.name,
  })
  const accepted = new Accepted(beganAt)
  let load: Load | null = null
  const close = async (): Promise<void> => {
    await load?.stop()
    await crew.close()
    await ground.close()
  }
  try {
    startAll(crew)
    await untilReady(crew)
    const startedMs = Date.now()
    const { ports, secrets } = installation
    const { writeKeys, orderSecrets } = secrets
    load = new Load({
      ...{ deliveries, beganAt, accepted },
      edges: {
        ...{ writeKeys, orderSecrets, timeoutMs: 15_000 },
        collectorUrl: `http://127.0.0.1:${ports.collector}`,
        gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
      },
    })
    const scene: Scene = { installation, crew, dataDirectory: ground.dataDirectory }
    const faults: FaultRecord[] = []
    for (const [at, together] of plan.faults.entries()) {
      const record = await playFault(
        { load, scene, ground, accepted, bounds, say, startedMs },
        together,
        {
          from: Math.floor((deliveries.length * at) / plan.faults.length),
          to: Math.floor((deliveries.length * (at + 1)) / plan.faults.length),
          paceSeconds: plan.paceSeconds,
        },
      )
      faults.push(record)
    }
    load.goOn(deliveries.length, (plan.paceSeconds * 1_000) / deliveries.length)
    await load.finished()
    const record = {
      ...{ name: plan.name, faults, deaths: crew.deaths, clientRetries: load.retries() },
      ...{ requests: deliveries.length, seconds: (Date.now() - startedMs) / 1_000 },
    }
    return { record, ground, crew, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Surroundings {
  readonly load: Load
  readonly scene: Scene
  readonly ground: Ground
  readonly accepted: Accepted
  readonly bounds: FreshnessBounds
  readonly say: (line: string) => void
  readonly startedMs: number
}

/** Its stretch of the load goes on before, during and after the fault, and never into the next one's. */
async function playFault(
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
    ...{ atRequest, recovery },
    ...{ injectedSeconds: seconds(injectedMs), healedSeconds: seconds(healedMs) },
  }
}

const restTimeoutMs = 240_000

/** Until nothing is on its way any more: no lag, nothing owed to the ERP, nothing in a spool. @returns what is not so in the end */
export async function untilAtRest(crew: Crew, goal: () => Promise<boolean>): Promise<string[]> {
  const deadline = Date.now() + restTimeoutMs
  for (;;) {
    const open = await crew.openWork()
    if (open.length === 0 && (await goal())) return []
    if (Date.now() > deadline) return open
    await pause(500)
  }
}

export interface Outcome {
  readonly digests: readonly DigestPair[]
  /** Everything in which the disturbed run differs from the undisturbed one. */
  readonly differences: readonly string[]
  /** Seconds from the last request's answer until both were equal. */
  readonly restSeconds: number
}

/** Waits until the run equals the undisturbed one, and says in what it does not. */
export async function compare(
  stage: Stage,
  undisturbed: { readonly database: string; readonly books: ErpBooks },
): Promise<Outcome> {
  const beganMs = Date.now()
  const { warehouse, erp } = stage.ground
  const databases = { undisturbed: undisturbed.database, disturbed: warehouse.database }
  const open = await untilAtRest(stage.crew, async () => {
    const pairs = await readDigests(warehouse, databases)
    if (pairs.length === 0 || pairs.some((pair) => pair.undisturbed !== pair.disturbed)) {
      return false
    }
    return compareBooks(undisturbed.books, await readErpBooks(erp)).length === 0
  })
  const digests = await readDigests(warehouse, databases)
  const differences = [
    ...open,
    ...(await differingRows(warehouse, databases)),
    ...compareBooks(undisturbed.books, await readErpBooks(erp)),
    ...(await unbalanced(warehouse)),
  ]
  return { digests, differences, restSeconds: (Date.now() - beganMs) / 1_000 }
}

/** Orders whose credits do not sum to their money. */
async function unbalanced(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query<{ order_key: string; model: string; n: number }>(
    `SELECT order_key, model, count() OVER () AS n FROM ${warehouse.database}.credits
     GROUP BY order_key, model HAVING sum(amount_minor) != any(net_minor) LIMIT 3`,
  )
  return rows.map(
    ({ order_key, model, n }) =>
      `(1 of ${n}) credits of ${order_key} under ${model} do not sum to it`,
  )
}
