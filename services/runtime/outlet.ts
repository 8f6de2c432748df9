// The last step of an accepted record: it gets what only the cluster can tell, its partition and its schema's id.
import { partitionOf } from '../core/partition'
import { fillInSchemaId } from './codec'
import type { OutgoingRecord } from './kafka'
import type { CoalescingProducer } from './kafka-coalescing'
import type { AcceptedRecord } from './spool-frame'

export interface Outlet {
  /** Resolves once Kafka has acknowledged these records.
   * @throws DependencyError when it did not; they may or may not have been written */
  send(records: readonly AcceptedRecord[]): Promise<void>
  /** Bytes waiting or under way. */
  queuedBytes(): number
}

export interface OutletOptions {
  /** Full name on the broker. */
  readonly topic: string
  readonly partitions: number
  readonly producer: Pick<CoalescingProducer, 'send' | 'queuedBytes'>
  /** The registry's id of a schema by the name it is spooled under; asked once each. */
  readonly schemaIdOf: (schema: string) => Promise<number>
}

export function createOutlet({ topic, partitions, producer, schemaIdOf }: OutletOptions): Outlet {
  const ids = new Map<string, number>()
  const outgoing = (record: AcceptedRecord): OutgoingRecord => {
    const { value, headers } = record
    const id = ids.get(record.schema)
    if (id !== undefined) fillInSchemaId(value, id)
    const key = Buffer.from(record.key)
    const partition = partitionOf(key, partitions)
    return { topic, partition, key, value, ...(headers === undefined ? {} : { headers }) }
  }
  const learn = async (records: readonly AcceptedRecord[]): Promise<void> => {
    for (const { schema } of records) {
      if (!ids.has(schema)) ids.set(schema, await schemaIdOf(schema))
    }
  }
  const send = (records: readonly AcceptedRecord[]): Promise<void> =>
    producer.send(records.map(outgoing))
  return {
    send: (records) =>
      records.every(({ schema }) => ids.has(schema))
        ? send(records)
        : learn(records).then(() => send(records)),
    queuedBytes: () => producer.queuedBytes(),
  }
}
