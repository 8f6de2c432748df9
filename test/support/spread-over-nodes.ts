// Makes one broker look like several nodes that each lead some partitions of a topic: metadata answers are rewritten.
import type { FaultProxy } from '../../infra/local/fault-proxy'
import { kafkaApi, type KafkaResponse } from '../../infra/local/kafka-wire'

export interface Spread {
  /** Node that leads each partition, by partition; may change. */
  leaders: readonly number[]
  /** Produce answers that went through this node. */
  answered: number
}

export interface SpreadOptions {
  readonly topic: string
  /** Where node 1, 2 … listen. */
  readonly ports: readonly number[]
  readonly leaders: readonly number[]
}

export function spreadOverNodes(proxy: FaultProxy, options: SpreadOptions): Spread {
  const spread: Spread = { leaders: options.leaders, answered: 0 }
  proxy.intercept({
    response: (response) => {
      if (response.request.api === kafkaApi.produce) spread.answered += 1
      if (response.request.api !== kafkaApi.metadata) return 'pass'
      return spreadMetadata(response, options, spread)
    },
  })
  return spread
}

function spreadMetadata(
  { body }: KafkaResponse,
  { ports, topic }: SpreadOptions,
  { leaders }: Spread,
): Buffer {
  const host = body.subarray(12, 14 + body.readInt16BE(12))
  const end = 14 + host.length - 2 + 4 + 2
  const nodes = ports.map((port, at) => {
    const node = Buffer.alloc(4 + host.length + 4 + 2)
    node.writeInt32BE(at + 1)
    host.copy(node, 4)
    node.writeInt32BE(port, 4 + host.length)
    node.writeInt16BE(-1, 8 + host.length)
    return node
  })
  const count = Buffer.alloc(4)
  count.writeInt32BE(nodes.length)
  const rest = Buffer.from(body.subarray(end))
  // Of each partition: error (2), partition (4), leader (4), then lists of replicas.
  let at = rest.indexOf(topic)
  if (at >= 0) {
    at += topic.length + 1
    const partitions = rest.readInt32BE(at)
    at += 4
    for (let seen = 0; seen < partitions; seen += 1) {
      rest.writeInt32BE(leaders[rest.readInt32BE(at + 2)] ?? 1, at + 6)
      at += 10
      for (let list = 0; list < 3; list += 1) at += 4 + 4 * rest.readInt32BE(at)
    }
  }
  return Buffer.concat([body.subarray(0, 4), count, ...nodes, rest])
}
