// The fault proxy's hook in its usual form: something happens to the next frames of one kind, so often, and is counted.
import type { FaultProxy } from './fault-proxy'
import type { KafkaRequest, Verdict } from './kafka-wire'

export interface KafkaTrap {
  /** A value of `kafkaApi`. */
  readonly api: number
  /** `request`: before the broker has it; `response`: when the broker has done it. */
  readonly at: 'request' | 'response'
  readonly verdict: Verdict | ((body: Buffer, request: KafkaRequest) => Verdict | Promise<Verdict>)
  /** Of all requests of that kind by default. */
  readonly when?: (request: KafkaRequest) => boolean
  /** Once by default. */
  readonly times?: number
}

export interface SetTrap {
  /** How often it has sprung. */
  sprung(): number
  remove(): void
}

/** Sets a trap for frames to come, for example the answer to one Produce that mentions a topic. */
export function setTrap(proxy: FaultProxy, trap: KafkaTrap): SetTrap {
  const { api, at, verdict, when = () => true, times = 1 } = trap
  let sprung = 0
  const spring = (request: KafkaRequest, body: Buffer): Verdict | Promise<Verdict> => {
    if (request.api !== api || sprung >= times || !when(request)) return 'pass'
    sprung += 1
    return typeof verdict === 'function' ? verdict(body, request) : verdict
  }
  const remove = proxy.intercept(
    at === 'request'
      ? { request: (request) => spring(request, request.body) }
      : { response: ({ request, body }) => spring(request, body) },
  )
  return { sprung: () => sprung, remove }
}

/** Requests whose body mentions a topic, group or transactional id: names are written out on the wire. */
export function mentions(name: string): (request: KafkaRequest) => boolean {
  return ({ body }) => body.includes(name)
}
