// One run: the fixed load over new ground, with its faults at fixed points of it, until it has come to rest.
import type { Delivery } from '../evening/clients'
import { Accepted } from './accepted'
import type { Crew, Death } from './crew'
import { breakGround, type Ground, type Installation } from './installation'
import { Load } from './load'
import { playFault, type FaultRecord } from './play-fault'
import { untilReady, type FreshnessBounds } from './recovery'
import type { Fault, Scene } from './scene'
import { assembleCrew, startAll } from './staging'

export interface Play {
  readonly installation: Installation
  readonly deliveries: readonly Delivery[]
  readonly beganAt: number
  readonly say: (line: string) => void
  /** Told how to end a run as soon as it has begun. */
  readonly opened: (close: () => Promise<void>) => void
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
  const end = async (): Promise<void> => {
    await load?.stop()
    await crew.close()
    await ground.close()
  }
  let ending: Promise<void> | null = null
  const close = (): Promise<void> => (ending ??= end())
  play.opened(close)
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
