// The sink at work: a group consumer that fills the partitions' states, and one loop that empties them into the
// ERP. One loop, because this ERP answers one call at a time anyway and no order may have two calls under way.
import { ownerDelivery } from '../core/erp/delivery-memory'
import { DependencyError } from '../runtime/errors'
import type { TopicPartition } from '../runtime/kafka-consumer'
import { retry } from '../runtime/retry'
import { createDeliveryLog, type DeliveryLog } from './delivery-log'
import type { PartitionState } from './partition-state'
import { passHidden, receiveBatch } from './receive-batch'
import type { SinkOptions } from './sink-options'
import { beginTenure, takeOver, topicNames, type Tenure } from './tenure'
import { reportOwed, workOnce } from './work-once'
import type { Workplace } from './workplace'

export interface Sink {
  /** Finishes the call under way, tells the next owner, leaves the group. */
  close(): Promise<void>
  /** Whether a partition is this process's now. */
  owns(partition: number): boolean
}

/** How soon the loop looks again when it found nothing to do. */
const idleMs = 100
/** How often an ERP that is not needed is asked how it does. */
const checkMs = 15_000
const reportMs = 1_000

export async function runSink(options: SinkOptions): Promise<Sink> {
  const { health, onCrash } = options
  const processId = options.newId()
  let turns = 0
  let tenure: Tenure | null = null
  let leaving: PartitionState[] = []
  let stopping = false
  const log = createDeliveryLog({
    producer: options.producer,
    codec: options.codecs.deliveries,
    prefix: options.topicPrefix,
    buried: options.metrics.buried,
    health,
    goOn: () => !stopping,
  })

  const onAssigned = (
    partitions: readonly TopicPartition[],
    consumer: Tenure['consumer'],
  ): void => {
    const before = tenure
    if (before !== null) leaving.push(...end(before))
    turns += 1
    const token = `${processId}:${turns}`
    const next = beginTenure(partitions, consumer, { token, settings: options.state, before })
    tenure = next
    takeOver(partitions, next, { options, log }).catch((error: unknown) => {
      if (!next.over && !stopping) onCrash(error)
    })
  }
  const consumer = await options.kafka.runConsumer({
    groupId: options.groupId,
    topics: Object.values(topicNames(options.topicPrefix)),
    sessionTimeoutMs: options.sessionTimeoutMs,
    onAssigned,
    onBatch: async (batch) => {
      if (tenure !== null) await receiveBatch(batch, tenure, { options, log })
    },
    onHidden: (range) => {
      if (tenure !== null) passHidden(range, tenure, options)
    },
    onCrash,
  })

  const nextRound = async (): Promise<Tenure | null> => {
    const left = leaving
    leaving = []
    await release(left, log)
    return stopping ? null : tenure
  }
  // By the clock, not by the loop: while the ERP is away the loop stands still.
  const reporting = setInterval(() => {
    if (tenure !== null) reportOwed(tenure, options)
  }, reportMs)
  const workplace: Workplace = { options, log, goOn: () => !stopping }
  const working = work(workplace, nextRound).catch((error: unknown) => {
    // What is unwell when we stop is nobody's crash.
    if (!(stopping && error instanceof DependencyError)) onCrash(error)
  })
  return {
    owns: (partition) => tenure?.states.get(partition)?.isOpen(options.now()) ?? false,
    close: async () => {
      stopping = true
      clearInterval(reporting)
      await working
      const last = tenure
      if (last !== null) leaving.push(...end(last))
      await release(leaving, log).catch((error: unknown) => {
        options.logger.warn({ err: error }, 'partitions not released: their next owner waits')
      })
      await consumer.close()
    },
  }
}

/** Rounds without end, and a look at the ERP now and then while there is nothing to do for it. */
async function work(workplace: Workplace, nextRound: () => Promise<Tenure | null>): Promise<void> {
  const { options, goOn } = workplace
  const { health, now, erp } = options
  const check = async (): Promise<void> => {
    await retry(() => erp.check(), { health, goOn, maxPauseMs: 5_000 })
    health.well('erp')
  }
  health.unwell('erp', 'was not asked yet')
  await check()
  let checkedMs = now()
  while (goOn()) {
    const tenure = await nextRound()
    const worked = tenure !== null && (await workOnce(tenure, workplace))
    if (worked) {
      checkedMs = now()
    } else if (goOn() && now() - checkedMs >= checkMs) {
      await check()
      checkedMs = now()
    } else {
      await pause(idleMs)
    }
  }
}

function end(tenure: Tenure): PartitionState[] {
  tenure.over = true
  const states = [...tenure.states.values()]
  for (const state of states) state.over = true
  return states
}

/** Tells the next owner of partitions, which may be this process again, that no call is under way and all is on record. */
async function release(left: readonly PartitionState[], log: DeliveryLog): Promise<void> {
  for (const { partition, token, wasOpen } of left) {
    // Who never had its turn cannot speak for the owner before it, whose call may still be under way.
    if (!wasOpen) continue
    await log.write(partition, [ownerDelivery(partition, { token, released: true })])
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
