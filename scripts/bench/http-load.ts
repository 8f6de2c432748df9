// Load over HTTP in a process of its own: as much as can be by autocannon; at a given pace by ourselves, because autocannon
// sends what is due in a second as fast as it can and then waits for the next, so that what it times is full load. Answers
// with what came of it.
import autocannon from 'autocannon'
import { Agent, request as ask } from 'node:http'
import { answerParent } from './child'
import { quantileOf } from './sheet'
import { sendSteadily } from './steady-load'

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

function send(plan: LoadPlan): Promise<LoadFigures> {
  const { perSecond } = plan
  return perSecond === undefined ? sendAll(plan) : sendAtPace(plan, perSecond)
}

async function sendAll({ url, connections, seconds, requests }: LoadPlan): Promise<LoadFigures> {
  const result = await autocannon({
    ...{ url, connections, duration: seconds, excludeErrorStats: true },
    requests: requests.map(({ method, path, headers = {}, body }) => ({
      ...{ method, path, headers: { ...headers } },
      ...(body === undefined ? {} : { body }),
    })),
  })
  return {
    answered: result['2xx'],
    seconds: result.duration,
    failed: result.non2xx + result.errors + result.timeouts,
    ...{ p50Ms: result.latency.p50, p99Ms: result.latency.p99 },
  }
}

/** Until our own code is compiled: not timed. */
const warmUpSeconds = 2

/** Times are counted from when a request was due. */
async function sendAtPace(
  { url, connections, seconds, requests }: LoadPlan,
  perSecond: number,
): Promise<LoadFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const tookMs: number[] = []
  let failed = 0
  const request = (at: number): Promise<number> =>
    statusOf({ url, agent, ...requests[at % requests.length] })
  await sendSteadily({ perSecond, seconds: warmUpSeconds }, async (at) => {
    await request(at)
  })
  const began = performance.now()
  await sendSteadily({ perSecond, seconds }, async (at) => {
    const status = await request(at)
    if (status >= 200 && status < 300) {
      tookMs.push(performance.now() - began - (1_000 * at) / perSecond)
    } else failed += 1
  })
  const took = (performance.now() - began) / 1_000
  agent.destroy()
  const times = { p50Ms: quantileOf(tookMs, 0.5), p99Ms: quantileOf(tookMs, 0.99) }
  return { answered: tookMs.length, seconds: took, failed, ...times }
}

type Asking = Partial<LoadRequest> & { readonly url: string; readonly agent: Agent }

/** 0 when there was no answer. */
function statusOf({ url, agent, body, ...rest }: Asking): Promise<number> {
  return new Promise((resolve) => {
    const request = ask(url, { agent, ...rest }, (response) => {
      response.resume().once('end', () => {
        resolve(response.statusCode ?? 0)
      })
    })
    request.once('error', () => {
      resolve(0)
    })
    request.end(body)
  })
}

answerParent(send)
