// Writes the usual mix into the topics of a site, as the edges would have.
import { touchpointKey } from '../../services/core/identity/node'
import { partitionOf } from '../../services/core/partition'
import { topics, type Topic } from '../../services/core/topics'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import { mixOf, type MixOptions } from './mix'
import { partitions, type Site } from './site'

const sendRecords = 4_000

export interface Filled {
  readonly touchpoints: number
  readonly orders: number
}

/** @param prefix of topics that are provisioned already */
export async function fill(site: Site, prefix: string, mix: MixOptions): Promise<Filled> {
  const registry = site.registryOf(prefix)
  const touchpointCodec = await registry.topicCodec(topics.touchpoints)
  const orderCodec = await registry.topicCodec(topics.orders)
  const producer = await site.kafka.connectProducer()
  const counts = { touchpoints: 0, orders: 0 }
  let waiting: OutgoingRecord[] = []
  const put = ({ name }: Topic, key: string, value: Buffer): void => {
    const partition = partitionOf(key, partitions)
    waiting.push({ topic: prefix + name, partition, key, value })
  }
  for (const { touchpoint, order } of mixOf(mix)) {
    if (touchpoint !== undefined) {
      put(topics.touchpoints, touchpointKey(touchpoint), touchpointCodec.encode(touchpoint))
      counts.touchpoints += 1
    } else {
      put(topics.orders, order.order_key, orderCodec.encode(order))
      counts.orders += 1
    }
    if (waiting.length < sendRecords) continue
    await producer.send(waiting)
    waiting = []
  }
  await producer.send(waiting)
  await producer.close()
  return counts
}
