// One round of the loop: deliver what is due, bring reserved stock up to date, commit what is settled.
import { orderDelivery, remember } from '../core/erp/delivery-memory'
import type { Due } from '../core/erp/pending-documents'
import { isReject, reject, type RejectReason } from '../core/reject'
import type { ErpDelivery } from '../core/records'
import { DependencyError } from '../runtime/errors'
import type { OutgoingRecord } from '../runtime/kafka'
import { retry } from '../runtime/retry'
import { bookStock } from './book-stock'
import { deliverOrders, type OrderOutcome } from './deliver-orders'
import type { Buyer, NewSale } from './erp-port'
import { openBuyer, withoutPerson } from './open-buyer'
import type { OwedOrder, PartitionState } from './partition-state'
import { resumeWhenFree } from './receive-batch'
import type { SinkOptions } from './sink-options'
import { topicNames, type Tenure } from './tenure'
import { attempt, type Workplace } from './workplace'

/** @returns whether there was anything to do */
export async function workOnce(tenure: Tenure, workplace: Workplace): Promise<boolean> {
  const { options } = workplace
  const open = [...tenure.states.values()].filter((state) => state.isOpen(options.now()))
  const delivered = await deliverDue(open, workplace)
  const booked = await bookStock(open, workplace)
  if (!tenure.over) {
    resumeWhenFree(tenure, options)
    await commitSettled(tenure, workplace)
  }
  return delivered || booked
}

interface Taken {
  readonly state: PartitionState
  readonly due: Due<OwedOrder>
}

async function deliverDue(open: readonly PartitionState[], workplace: Workplace): Promise<boolean> {
  const { options } = workplace
  const { batch, passed } = takeDue(open, options)
  if (batch.length === 0) return passed > 0
  const outcomes = await attempt(batch, workplace, (live, erp) => deliverBatch(live, erp, options))
  if (outcomes === null) return false
  for (const state of new Set(batch.map((taken) => taken.state))) {
    const own = batch.filter((taken) => taken.state === state)
    await recordOutcomes(state, { own, outcomes }, workplace)
  }
  return true
}

/** What is due and still owed, the partitions by turns, and how many are not owed any more. */
function takeDue(
  open: readonly PartitionState[],
  { batchMax, now }: SinkOptions,
): { readonly batch: readonly Taken[]; readonly passed: number } {
  const share = Math.max(1, Math.ceil(batchMax / Math.max(1, open.length)))
  const batch: Taken[] = []
  let passed = 0
  for (const limit of [share, batchMax]) {
    for (const state of open) {
      const room = Math.min(limit, batchMax - batch.length)
      for (const due of room > 0 ? state.pending.due(now(), room) : []) {
        if (batch.some((taken) => taken.state === state && taken.due.key === due.key)) continue
        if (state.isOwed(due.value, due.version)) {
          batch.push({ state, due })
        } else {
          passed += 1
          state.pending.settled(due.key, { lastOffset: due.lastOffset, nowMs: now() })
        }
      }
    }
  }
  return { batch: batch.slice(0, batchMax), passed }
}

interface Outcome extends OrderOutcome {
  /** Why the order is given up, where it is. */
  readonly reason: RejectReason
}

/** Outcomes by order key; orders whose buyer does not open are refused without a call. */
async function deliverBatch(
  batch: readonly Taken[],
  erp: SinkOptions['erp'],
  { plan, sealKeys }: SinkOptions,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const sales: NewSale[] = []
  const buyers = new Map<string, Buyer>()
  for (const { due } of batch) {
    const { document, sealed } = due.value
    const buyer = openBuyer(sealKeys, sealed, due.key)
    if (isReject(buyer)) {
      const { rejected: reason, detail: words } = buyer
      outcomes.set(due.key, { document, sale: null, words, reason })
    } else {
      buyers.set(due.key, buyer)
      sales.push({ document, buyer })
    }
  }
  for (const outcome of await deliverOrders(erp, sales, plan)) {
    const { reference, buyer } = outcome.document
    const words = withoutPerson(outcome.words, buyer, buyers.get(reference))
    outcomes.set(reference, { ...outcome, words, reason: 'refused-by-erp' })
  }
  return outcomes
}

/** On record first: the offset is committed only for what erp-deliveries tells of. */
async function recordOutcomes(
  state: PartitionState,
  what: { readonly own: readonly Taken[]; readonly outcomes: ReadonlyMap<string, Outcome> },
  { options, log }: Workplace,
): Promise<void> {
  const { metrics, logger, now } = options
  const atMs = now()
  const deliveries: ErpDelivery[] = []
  const letters: OutgoingRecord[] = []
  const settled: Taken[] = []
  for (const taken of what.own) {
    const { key, value, version } = taken.due
    const outcome = what.outcomes.get(key)
    if (outcome === undefined) continue
    const { words, sale, reason } = outcome
    const { acceptedAt, document, record } = value
    deliveries.push(orderDelivery(document, { version, acceptedAt, sale, words, atMs }))
    settled.push(taken)
    metrics.delivered('order', words === '' ? 'delivered' : 'refused', (atMs - acceptedAt) / 1_000)
    if (words === '') continue
    letters.push(log.bury(record, reject(reason, words)))
    logger.warn({ stage: 'erp-sink', reason: words, partition: state.partition }, 'refused')
  }
  await log.write(state.partition, deliveries, letters)
  for (const delivery of deliveries) {
    remember(state.memory, delivery, options.state.rememberedMax)
  }
  for (const { due } of settled) {
    state.pending.settled(due.key, { lastOffset: due.lastOffset, nowMs: now() })
  }
}

async function commitSettled(tenure: Tenure, { options, goOn }: Workplace): Promise<void> {
  const topic = topicNames(options.topicPrefix).orders
  for (const { partition, pending } of tenure.states.values()) {
    const offset = pending.commitOffset()
    if (offset === null || offset === tenure.committed.get(partition)) continue
    const commit = async (): Promise<void> => {
      // A commit through a consumer that was replaced fails for good.
      if (tenure.over) return
      try {
        await tenure.consumer.commit([{ topic, partition, offset }])
      } catch (error) {
        throw new DependencyError('kafka', error)
      }
    }
    await retry(commit, { health: options.health, goOn })
    tenure.committed.set(partition, offset)
  }
}

/** What is owed to the ERP, for the gauges. */
export function reportOwed(tenure: Tenure, { metrics, now }: SinkOptions): void {
  const pending = [...tenure.states.values()].map((state) => state.pending)
  metrics.owed(
    pending.reduce((sum, { size }) => sum + size, 0),
    Math.max(0, ...pending.map((one) => one.oldestAgeMs(now()))) / 1_000,
  )
}
