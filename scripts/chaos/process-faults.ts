// Our own processes: killed, wiped, frozen, made more and fewer.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serviceNames, type ServiceName } from '../evening/company'
import { untilReady } from './recovery'
import type { Fault, Scene } from './scene'

const kills = serviceNames.map((service): Fault => {
  return {
    name: `kill-${service}`,
    says: `${service} killed (kill -9), started again after 2 s`,
    parts: [service],
    holdMs: 2_000,
    inject: ({ crew }) => crew.kill(service),
    heal: (scene) => start(scene, service),
  }
})

const wiped: Fault = {
  name: 'wipe-state',
  says: 'stream-processor killed, its state directory removed, started on an empty disk',
  parts: ['stream-processor'],
  holdMs: 1_000,
  async inject({ crew, dataDirectory }) {
    await crew.kill('stream-processor')
    rmSync(join(dataDirectory, 'state'), { recursive: true })
  },
  heal: (scene) => start(scene, 'stream-processor'),
}

const second = 'stream-processor-2'
const third = 'stream-processor-3'

/** A further process is waited for, and it is not ready without these. */
const readiness = ['stream-processor', 'kafka', 'registry'] as const

const scaled: Fault = {
  name: 'scale',
  says: 'stream-processor scaled from 1 to 3 processes, then to 2 (one killed), then back to the first',
  parts: readiness,
  holdMs: 3_000,
  async inject(scene) {
    const { crew } = scene
    crew.start('stream-processor', second)
    crew.start('stream-processor', third)
    await untilReady(crew, 'stream-processor')
    await pause(2_000)
    await crew.kill('stream-processor')
  },
  async heal(scene) {
    await start(scene, 'stream-processor')
    await untilReady(scene.crew, 'stream-processor')
    for (const instance of [second, third]) await scene.crew.stop(instance)
  },
}

/** Longer than the session time-out of 6 s: others take its partitions over, and it does not know. */
const frozenMs = 9_000

const zombie: Fault = {
  name: 'zombie',
  says: 'one of two stream-processors frozen for 9 s, so that the other takes over, then thawed',
  parts: readiness,
  holdMs: frozenMs,
  async inject({ crew }) {
    crew.start('stream-processor', second)
    await untilReady(crew, 'stream-processor')
    crew.company.freeze('stream-processor')
  },
  async heal({ crew }) {
    crew.company.thaw('stream-processor')
    await untilReady(crew, 'stream-processor')
    await crew.stop(second)
  },
}

function frozen(service: ServiceName): Fault {
  return {
    name: `freeze-${service}`,
    says: `${service} frozen for 9 s, longer than its session, and thawed`,
    parts: [service],
    holdMs: frozenMs,
    inject: ({ crew }) => {
      crew.company.freeze(service)
      return Promise.resolve()
    },
    heal: ({ crew }) => {
      crew.company.thaw(service)
      return Promise.resolve()
    },
  }
}

function start({ crew }: Scene, service: ServiceName): Promise<void> {
  crew.start(service)
  return Promise.resolve()
}

export const processFaults: readonly Fault[] = [
  ...kills,
  wiped,
  scaled,
  zombie,
  frozen('clickhouse-writer'),
  frozen('erp-sink'),
]
