// The line between the services and one part that speaks HTTP: cut, half-open or slow, and nonsense on demand.
import { startFaultProxy, type FaultProxy } from '../../infra/local/fault-proxy'
import { startHttpFront, type HttpFront } from './http-front'

export interface Line {
  /** http://127.0.0.1:port */
  readonly url: string
  readonly proxy: FaultProxy
  readonly front: HttpFront
  /** Ends every fault. */
  mend(): Promise<void>
  close(): Promise<void>
}

export async function startLine(upstreamPort: number): Promise<Line> {
  const front = await startHttpFront(upstreamPort)
  const proxy = await startFaultProxy({ upstream: { host: '127.0.0.1', port: front.port } })
  return {
    url: `http://${proxy.address}`,
    proxy,
    front,
    async mend() {
      front.fail()
      await proxy.pass()
    },
    async close() {
      await proxy.close()
      await front.close()
    },
  }
}
