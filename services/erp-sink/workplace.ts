// How the loop asks the ERP for something: as long as it takes, but only for partitions that are still ours.
import { retry } from '../runtime/retry'
import type { DeliveryLog } from './delivery-log'
import { guardErp } from './guard-erp'
import type { PartitionState } from './partition-state'
import type { SinkOptions } from './sink-options'

export interface Workplace {
  readonly options: SinkOptions
  readonly log: DeliveryLog
  /** False once the service stops. */
  readonly goOn: () => boolean
}

/**
 * Tries until the ERP is well, each time with those that are still ours; null once none is.
 * @throws DependencyError when the service stops first
 */
export async function attempt<Part extends { readonly state: PartitionState }, T>(
  parts: readonly Part[],
  { options, goOn }: Workplace,
  call: (live: readonly Part[], erp: SinkOptions['erp']) => Promise<T>,
): Promise<T | null> {
  const { health } = options
  return retry(
    async () => {
      const live = parts.filter(({ state }) => !state.over)
      const erp = guardErp(options.erp, () => live.every(({ state }) => !state.over))
      return live.length === 0 ? null : call(live, erp)
    },
    { health, goOn, maxPauseMs: 5_000 },
  )
}
