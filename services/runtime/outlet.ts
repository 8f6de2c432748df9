// The last step of an accepted record: it gets what only the cluster can tell, its partition and its schema's id. The
// schema also tells the topic: an edge may write to several.
import assert from 'node:assert/strict'
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

/** Where the records of one schema go. */
export interface Destination {
  /** Full name on the broker. */
  readonly topic: string
  readonly partitions: number
  /** The registry's id of the schema. */
  readonly schemaId: number
}

export interface OutletOptions {
  readonly producer: Pick<CoalescingProducer, 'send' | 'queuedBytes'>
  /** By the name under which a schema is spooled; asked once each. */
  readonly destinationOf: (schema: string) => Promise<Destination>
}

export function createOutlet({ producer, destinationOf }: OutletOptions): Outlet {
  const known = new Map<string, Destination>()
  const outgoing = (record: AcceptedRecord): OutgoingRecord => {
    const { value, headers } = record
    const destination = known.get(record.schema)
    assert(destination !== undefined, 'a record is sent before its schema is known')
    const { topic, partitions, schemaId } = destination
    fillInSchemaId(value, schemaId)
    const key = Buffer.from(record.key)
    const partition = partitionOf(key, partitions)
    return { topic, partition, key, value, ...(headers === undefined ? {} : { headers }) }
  }
  const learn = async (records: readonly AcceptedRecord[]): Promise<void> => {
    for (const { schema } of records) {
      if (!known.has(schema)) known.set(schema, await destinationOf(schema))
    }
  }
  const send = (records: readonly AcceptedRecord[]): Promise<void> =>
    producer.send(records.map(outgoing))
  return {
    send: (records) =>
      records.every(({ schema }) => known.has(schema))
        ? send(records)
        : learn(records).then(() => send(records)),
    queuedBytes: () => producer.queuedBytes(),
  }
}
