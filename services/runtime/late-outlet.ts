// A way to Kafka that is there in time, whether Kafka is or not.
import { setTimeout as pause } from 'node:timers/promises'
import { DependencyError } from './errors'
import type { Service } from './lifecycle'
import type { Outlet } from './outlet'

export interface ClosableOutlet extends Outlet {
  /** Sends what waits first. */
  close(): Promise<void>
}

/**
 * An outlet that is there in time and refuses until `connect` has come through. However late that is, it is closed where it
 * stands among the releases: after whoever gives it records, or the last of them would be refused.
 */
export async function connectInTime(
  service: Pick<Service, 'onStop' | 'crash'>,
  timeoutMs: number,
  connect: () => Promise<ClosableOutlet>,
): Promise<Outlet> {
  let connected: ClosableOutlet | null = null
  let isStarting = true
  const connecting = connect().then((outlet) => {
    connected = outlet
  })
  connecting.catch((error: unknown) => {
    if (!isStarting) service.crash(error)
  })
  service.onStop(() => connected?.close())
  await Promise.race([connecting, pause(timeoutMs, undefined, { ref: false })])
  isStarting = false
  return {
    send: (records) =>
      connected?.send(records) ??
      Promise.reject(new DependencyError('kafka or registry', 'not reached since the start')),
    queuedBytes: () => connected?.queuedBytes() ?? 0,
  }
}
