// Load over HTTP by autocannon, in a process of its own. Answers with what came of it.
import autocannon from 'autocannon'
import { answerParent } from './child'

export interface LoadPlan {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** Taken in turn by every connection. */
  readonly requests: readonly LoadRequest[]
  /** Of all connections together; as fast as answers come when not given. */
  readonly perSecond?: number
}

export interface LoadRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface LoadFigures {
  /** Answered 2xx. */
  readonly answered: number
  readonly seconds: number
  /** Any other answer, or none. */
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

async function send(plan: LoadPlan): Promise<LoadFigures> {
  const { url, connections, seconds, requests, perSecond } = plan
  const result = await autocannon({
    ...{ url, connections, duration: seconds, excludeErrorStats: true },
    requests: requests.map(({ method, path, headers = {}, body }) => ({
      ...{ method, path, headers: { ...headers } },
      ...(body === undefined ? {} : { body }),
    })),
    ...(perSecond === undefined ? {} : { overallRate: perSecond }),
  })
  return {
    answered: result['2xx'],
    seconds: result.duration,
    failed: result.non2xx + result.errors + result.timeouts,
    ...{ p50Ms: result.latency.p50, p99Ms: result.latency.p99 },
  }
}

answerParent(send)
