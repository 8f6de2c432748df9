// ClickHouse, the registry and the ERP: away, killed, half-open, slow, and answering what they never answer.
import type { Failure } from './http-front'
import type { Line } from './line'
import type { Fault, Part, Scene } from './scene'
import { erpTimeoutMs } from './staging'

const overloaded: Failure = {
  ...{ kind: 'answer', status: 500, type: 'text/plain' },
  body: 'Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)',
}
const html: Failure = {
  ...{ kind: 'answer', status: 200, type: 'text/html' },
  body: '<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>',
}
const badGateway: Failure = {
  ...{ kind: 'answer', status: 502, type: 'text/html' },
  body: '<h1>502 Bad Gateway</h1>',
}

export function dependencyFaults(awayMs: number): readonly Fault[] {
  return [
    away('clickhouse', awayMs),
    nonsense('clickhouse', {
      name: 'clickhouse-errors',
      says: 'ClickHouse answers every request with 500 for 8 s',
      holdMs: 8_000,
      failures: [overloaded],
    }),
    nonsense('clickhouse', {
      name: 'clickhouse-answers-lost',
      says: 'ClickHouse does what it is asked to, and 502 comes back, for 8 s',
      holdMs: 8_000,
      failures: [{ kind: 'lose' }],
    }),
    killed('clickhouse'),
    halfOpen('clickhouse', 'for 8 s: requests vanish', 8_000),
    {
      name: 'registry-away',
      says: 'the registry away for 8 s, and all behind the edges killed and started meanwhile',
      parts: ['registry', 'stream-processor', 'clickhouse-writer', 'erp-sink'],
      holdMs: 8_000,
      async inject({ installation, crew }) {
        await installation.registry.proxy.refuse()
        for (const service of ['stream-processor', 'clickhouse-writer', 'erp-sink'] as const) {
          await crew.kill(service)
          crew.start(service)
        }
      },
      heal: ({ installation }) => installation.registry.mend(),
    },
    away('erp', 10_000),
    nonsense('erp', {
      name: 'erp-slow',
      says: `the ERP answers after ${(erpTimeoutMs + 2_000) / 1_000} s, past the time-out, and does what it was asked to, for 12 s`,
      holdMs: 12_000,
      failures: [{ kind: 'late', ms: erpTimeoutMs + 2_000 }],
    }),
    nonsense('erp', {
      name: 'erp-held',
      says: `the ERP gets what it is asked ${(erpTimeoutMs + 2_000) / 1_000} s later, when nobody waits for it any more, for 12 s`,
      holdMs: 12_000,
      failures: [{ kind: 'held', ms: erpTimeoutMs + 2_000 }],
    }),
    nonsense('erp', {
      name: 'erp-nonsense',
      says: 'the ERP answers HTML with 200, half of its JSON, 502, or does the work and says 502, in turn, for 10 s',
      holdMs: 10_000,
      failures: [html, { kind: 'truncate' }, badGateway, { kind: 'lose' }],
    }),
    killed('erp'),
  ]
}

type HttpPart = Extract<Part, 'registry' | 'clickhouse' | 'erp'>

const titles: Readonly<Record<HttpPart, string>> = {
  registry: 'the registry',
  clickhouse: 'ClickHouse',
  erp: 'the ERP',
}

function lineOf({ installation }: Scene, part: HttpPart): Line {
  return installation[part]
}

function away(part: HttpPart, holdMs: number): Fault {
  return {
    name: `${part}-away`,
    says: `${titles[part]} away for ${holdMs / 1_000} s (connections refused)`,
    ...{ parts: [part], holdMs },
    inject: (scene) => lineOf(scene, part).proxy.refuse(),
    heal: (scene) => lineOf(scene, part).mend(),
  }
}

function halfOpen(part: HttpPart, how: string, holdMs: number): Fault {
  return {
    name: `half-open-${part}`,
    says: `every connection to ${titles[part]} half-open ${how}`,
    ...{ parts: [part], holdMs },
    inject: (scene) => {
      lineOf(scene, part).proxy.stall()
      return Promise.resolve()
    },
    heal: (scene) => lineOf(scene, part).mend(),
  }
}

function killed(part: Extract<HttpPart, 'clickhouse' | 'erp'>): Fault {
  return {
    name: `kill-${part}`,
    says: `${titles[part]} killed (kill -9) at work, started again at once`,
    ...{ parts: [part], holdMs: 500 },
    inject: ({ installation }) => installation.stack.killPart(part),
    heal: ({ installation }) => installation.stack.startPart(part),
  }
}

interface NonsenseFault extends Pick<Fault, 'name' | 'says' | 'holdMs'> {
  readonly failures: readonly Failure[]
}

function nonsense(part: HttpPart, { failures, ...fault }: NonsenseFault): Fault {
  return {
    ...fault,
    parts: [part],
    inject: (scene) => {
      lineOf(scene, part).front.fail(...failures)
      return Promise.resolve()
    },
    heal: (scene) => lineOf(scene, part).mend(),
    met: (scene) => lineOf(scene, part).front.failed(),
  }
}
