// The broker stopped, killed and cut off; the edges alone with their spool.
import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './scene'

const cuts = 4

const brokerFaults: readonly Fault[] = [
  {
    name: 'stop-kafka',
    says: 'the broker stopped in order, started again after 5 s',
    parts: ['kafka'],
    holdMs: 5_000,
    inject: ({ installation }) => installation.stack.stopPart('kafka'),
    heal: ({ installation }) => installation.stack.startPart('kafka'),
  },
  {
    name: 'kill-kafka',
    says: 'the broker killed (kill -9), started again at once',
    parts: ['kafka'],
    holdMs: 500,
    inject: ({ installation }) => installation.stack.killPart('kafka'),
    heal: ({ installation }) => installation.stack.startPart('kafka'),
  },
]

const networkFaults: readonly Fault[] = [
  {
    name: 'cut-kafka',
    says: `every connection to the broker reset, ${cuts} times within 4 s`,
    parts: ['kafka'],
    holdMs: 0,
    async inject({ installation }) {
      for (let cut = 0; cut < cuts; cut += 1) {
        if (cut > 0) await pause(1_000)
        installation.kafka.cut()
      }
    },
    heal: () => Promise.resolve(),
  },
  {
    name: 'half-open-kafka',
    says: 'every connection to the broker half-open for 12 s: what is sent vanishes, nothing is closed',
    parts: ['kafka'],
    holdMs: 12_000,
    inject: ({ installation }) => {
      installation.kafka.stall()
      return Promise.resolve()
    },
    heal: ({ installation }) => installation.kafka.pass(),
  },
  {
    name: 'deaf-kafka',
    says: 'for 12 s the broker hears everything and its answers vanish: every outcome unknown',
    parts: ['kafka'],
    holdMs: 12_000,
    inject: ({ installation }) => {
      installation.kafka.stall('to-client')
      return Promise.resolve()
    },
    heal: ({ installation }) => installation.kafka.pass(),
  },
  {
    name: 'slow-kafka',
    says: 'everything to and from the broker 400 ms later, for 8 s',
    parts: ['kafka'],
    holdMs: 8_000,
    inject: ({ installation }) => {
      installation.kafka.delay(400)
      return Promise.resolve()
    },
    heal: ({ installation }) => installation.kafka.pass(),
  },
]

const edgesAlone: Fault = {
  name: 'edges-alone',
  says: 'the broker and the registry away for 12 s, and both edges killed and started meanwhile',
  parts: ['kafka', 'registry', 'collector', 'order-gateway'],
  holdMs: 8_000,
  async inject({ installation, crew }) {
    await installation.kafka.refuse()
    await installation.registry.proxy.refuse()
    await pause(4_000)
    for (const edge of ['collector', 'order-gateway'] as const) {
      await crew.kill(edge)
      crew.start(edge)
    }
  },
  async heal({ installation }) {
    await installation.kafka.pass()
    await installation.registry.mend()
  },
}

export const kafkaFaults: readonly Fault[] = [...brokerFaults, edgesAlone, ...networkFaults]
