// Looks at the reserved stock of every partition once per flush interval.
import { remember } from '../core/erp/delivery-memory'
import { deliverStock, type StockTools } from './deliver-stock'
import type { PartitionState } from './partition-state'
import { attempt, type Workplace } from './workplace'

/** @returns whether anything was sent */
export async function bookStock(
  open: readonly PartitionState[],
  workplace: Workplace,
): Promise<boolean> {
  const { metrics, logger, now, stockFlushMs } = workplace.options
  let booked = false
  for (const state of open) {
    for (const warehouse of warehousesOf(state)) {
      if (now() - (state.stockSeenMs.get(warehouse) ?? 0) < stockFlushMs) continue
      state.stockSeenMs.set(warehouse, now())
      const { delivered, unknown } = await deliverStock(
        toolsFor(state, warehouse, workplace),
        state,
        warehouse,
      )
      metrics.unknownSkus(state.partition, warehouse, unknown.length)
      if (delivered === null) continue
      booked = true
      metrics.delivered('delta', delivered.outcome, delivered.seconds)
      if (delivered.words === '') continue
      logger.warn({ stage: 'erp-sink', reason: delivered.words, warehouse }, 'delta refused')
    }
  }
  return booked
}

function toolsFor(state: PartitionState, warehouse: string, workplace: Workplace): StockTools {
  const { options, log } = workplace
  return {
    attempt: (call) => attempt([{ state }], workplace, (_live, erp) => call(erp)),
    record: async (delivery) => {
      await log.write(state.partition, [delivery])
      remember(state.memory, delivery, options.state.rememberedMax)
    },
    newReference: () => `tributary:stock:${state.partition}:${warehouse}:${options.newId()}`,
    now: options.now,
  }
}

function warehousesOf(state: PartitionState): Set<string> {
  return new Set([...state.reservations.sums.keys(), ...state.memory.deltas.keys()])
}
