// Takes what Kafka brings into the state of its partition. What cannot be read is a dead letter.
import { isForAnother } from '../core/dead-letters/replay'
import { isReject, type Reject } from '../core/reject'
import type { RecordCodec } from '../runtime/codec'
import type { IncomingRecord, OutgoingRecord } from '../runtime/kafka'
import type { Batch, HiddenOffsets } from '../runtime/kafka-consumer'
import { retry } from '../runtime/retry'
import type { DeliveryLog } from './delivery-log'
import type { PartitionState } from './partition-state'
import type { SinkOptions } from './sink-options'
import { readingKey, topicNames, type Tenure } from './tenure'

export async function receiveBatch(
  batch: Batch,
  tenure: Tenure,
  { options, log }: { readonly options: SinkOptions; readonly log: DeliveryLog },
): Promise<void> {
  const reading = tenure.readings.get(readingKey(batch))
  const state = tenure.states.get(batch.partition)
  // Read before the partition was taken over: its position will bring it again.
  if (tenure.over || reading === undefined || state === undefined) return
  const taken = reading.take(batch, tenure.consumer)
  if (taken === null) return
  const records = taken.filter(({ headers }) => !isForAnother(headers, 'erp-sink'))
  const { codecs, metrics, topicPrefix, now } = options
  const names = topicNames(topicPrefix)
  const readAll = async <Value>(
    codec: RecordCodec<Value>,
    take: (record: IncomingRecord, value: Value) => string,
  ): Promise<void> => {
    await learn(codec, records, { tenure, options })
    const read = records.map((record) => ({ record, value: codec.decode(record.value) }))
    const letters: OutgoingRecord[] = []
    for (const { record, value } of read) {
      if (isReject(value)) letters.push(log.bury(record, value satisfies Reject))
    }
    // First: taking the others in lets the offsets between them be passed over.
    if (letters.length > 0) await log.write(batch.partition, [], letters)
    for (const { record, value } of read) {
      const outcome = isReject(value) ? 'rejected' : take(record, value)
      metrics.read(batch.topic, outcome, isReject(value) ? value.rejected : '')
    }
  }
  if (batch.topic === names.orders) {
    await readAll(codecs.orders, (record, order) => state.takeOrder(record, order))
    pauseWhenFull(state, tenure, { options, topic: names.orders })
  } else if (batch.topic === names.positions) {
    await readAll(codecs.positions, (record, position) => {
      state.takePosition(record, position)
      return 'taken'
    })
    state.readStockTo(batch.lastOffset + 1, batch.highWatermark)
  } else {
    await readAll(codecs.deliveries, (_record, delivery) => {
      state.takeDelivery(delivery, now())
      return 'taken'
    })
  }
  if (batch.topic === names.orders) state.pending.readTo(batch.lastOffset + 1)
}

/** Takes note of offsets that hold nothing to read: the last ones of stock-positions mostly do, being markers. */
export function passHidden(
  range: HiddenOffsets,
  tenure: Tenure,
  { topicPrefix }: SinkOptions,
): void {
  const reading = tenure.readings.get(readingKey(range))
  if (tenure.over || reading?.pass(range, tenure.consumer) !== true) return
  if (range.topic !== topicNames(topicPrefix).positions) return
  tenure.states.get(range.partition)?.readStockTo(range.last + 1, range.last + 1)
}

/** Goes on reading orders once half of the queue is worked off. */
export function resumeWhenFree(tenure: Tenure, options: SinkOptions): void {
  for (const partition of tenure.paused) {
    const size = tenure.states.get(partition)?.pending.size ?? 0
    if (size > options.pendingMax / 2) continue
    tenure.paused.delete(partition)
    tenure.consumer.resume([{ topic: topicNames(options.topicPrefix).orders, partition }])
  }
}

function pauseWhenFull(
  { partition, pending }: PartitionState,
  tenure: Tenure,
  { options, topic }: { readonly options: SinkOptions; readonly topic: string },
): void {
  if (pending.size < options.pendingMax || tenure.paused.has(partition)) return
  tenure.paused.add(partition)
  tenure.consumer.pause([{ topic, partition }])
}

async function learn<Value>(
  codec: RecordCodec<Value>,
  records: readonly IncomingRecord[],
  { tenure, options }: { readonly tenure: Tenure; readonly options: SinkOptions },
): Promise<void> {
  await retry(() => codec.learn(records.map(({ value }) => value)), {
    health: options.health,
    goOn: () => !tenure.over,
  })
}
