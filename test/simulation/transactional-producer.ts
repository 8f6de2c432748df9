// The transactional producer as the real one behaves on this broker: each step is a request of its own, and at
// each step a fault of the plan may strike.
import { DependencyError } from '../../services/runtime/errors'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import type { TransactionalProducer } from '../../services/runtime/kafka-producer'
import type { FaultKind, FaultPlan } from './fault-plan'
import type { MemoryBroker, Producing } from './memory-broker'
import type { Owner, Schedule } from './schedule'

export interface ProducerParts {
  readonly broker: MemoryBroker
  readonly schedule: Schedule
  readonly faults: FaultPlan
  readonly owner: Owner
  readonly kill: () => void
  /** Deals the partitions anew while a transaction is open. */
  readonly rebalance: () => void
}

export function connectProducer(
  transactionalId: string,
  parts: ProducerParts,
): Pick<TransactionalProducer, 'transact' | 'close'> {
  const { broker, schedule, owner, faults } = parts
  let producing: Producing | null = null
  const ask = async <T>(step: string, effect: () => T): Promise<T> => {
    try {
      return await schedule.request(owner, `${transactionalId} ${step}`, effect)
    } catch (cause) {
      throw new DependencyError('kafka', cause)
    }
  }
  const strikes = (kind: FaultKind): boolean => {
    if (!owner.alive || !faults.strikes(kind)) return false
    schedule.note(`FAULT ${kind}`)
    return true
  }
  const crashes = (kind: FaultKind): boolean => {
    if (strikes(kind)) parts.kill()
    return !owner.alive
  }
  const fail = (step: string): never => {
    throw new Error(`no answer to ${step}`)
  }

  return {
    async transact(records: readonly OutgoingRecord[]) {
      if (crashes('crash before the transaction begins')) return schedule.never()
      producing ??= await ask('begin', () => broker.initProducer(transactionalId))
      const began = producing
      if (crashes('crash after it began')) return schedule.never()
      const half = strikes('send fails half way')
      const next = await ask('send', () => {
        const sent = half ? records.slice(0, Math.ceil(records.length / 2)) : records
        const offsets = broker.send(began, sent)
        return half ? fail('send') : offsets
      })
      if (strikes('rebalance after the sends')) parts.rebalance()
      if (crashes('crash after the sends')) return schedule.never()
      const refused = strikes('commit refused') || faults.refuses(transactionalId, records)
      const unheard = strikes('commit done but the answer lost')
      await ask('commit', () => {
        if (refused) fail('commit')
        broker.commit(began)
        if (unheard) fail('commit')
        crashes('crash after the commit')
      })
      return next
    },
    close: () => Promise.resolve(),
  }
}
