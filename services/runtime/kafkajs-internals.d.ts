// The one class of kafkajs that is not public and that kafka-fetch.ts and kafka-broker-guard.ts mend.
declare module 'kafkajs/src/broker' {
  interface FetchedMessage {
    offset: string
    key: Buffer | null
    isControlRecord?: boolean
    batchContext?: { producerId: string; inTransaction: boolean }
  }
  interface FetchedPartition {
    abortedTransactions?: { producerId: string; firstOffset: string }[] | null
    messages: FetchedMessage[]
  }
  interface FetchRequest {
    topics: {
      topic: string
      partitions: { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }
  class Broker {
    constructor(options: { connectionPool: object; logger: object })
    metadata(topics: readonly string[]): Promise<object>
    fetch(request: FetchRequest): Promise<{ responses: { partitions: FetchedPartition[] }[] }>
  }
  export = Broker
}

// And the one that kafka-reader.ts asks directly.
declare module 'kafkajs/src/cluster' {
  interface ReadMessage {
    offset: string
    timestamp: string
    key: Buffer | null
    value: Buffer | null
    headers: Record<string, unknown>
    isControlRecord?: boolean
  }
  interface ReadBroker {
    fetch(request: object): Promise<{ responses: { partitions: { messages: ReadMessage[] }[] }[] }>
  }
  class Cluster {
    connect(): Promise<void>
    disconnect(): Promise<void>
    addTargetTopic(topic: string): Promise<void>
    refreshMetadataIfNecessary(): Promise<void>
    findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>
    findBroker(request: { nodeId: string }): Promise<ReadBroker>
    fetchTopicsOffset(
      topics: object[],
    ): Promise<{ partitions: { partition: number; offset: string }[] }[]>
  }
  export = Cluster
}

// How a produce request becomes bytes, which kafka-produce.ts does itself.
declare module 'kafkajs/src/protocol/requests/produce' {
  interface ProducedMessage {
    readonly key?: string | Buffer | null
    readonly value?: string | Buffer | null
    readonly headers?: Readonly<Record<string, string | Buffer | (string | Buffer)[]>>
    readonly timestamp?: string
  }
  interface ProducedPartition {
    readonly partition: number
    readonly firstSequence?: number
    readonly messages: readonly ProducedMessage[]
  }
  interface ProduceArguments {
    readonly transactionalId?: string | null
    readonly acks: number
    readonly timeout: number
    readonly compression?: number
    readonly producerId?: { toString(): string }
    readonly producerEpoch?: number
    readonly topicData: readonly {
      readonly topic: string
      readonly partitions: readonly ProducedPartition[]
    }[]
  }
  interface MadeRequest {
    readonly request: { readonly encode: () => Promise<object> }
    readonly response: object
  }
  const produce: {
    protocol: (version: { readonly version: number }) => (given: ProduceArguments) => MadeRequest
  }
  export { ProduceArguments, ProducedMessage, ProducedPartition }
  export { produce as default }
}
declare module 'kafkajs/src/protocol/encoder' {
  class Encoder {
    constructor(initialSize?: number)
    buf: Buffer
    offset: number
    readonly buffer: Buffer
  }
  export = Encoder
}
declare module 'kafkajs/src/protocol/recordBatch/crc32C' {
  function crc32C(bytes: Buffer): number
  export = crc32C
}
declare module 'kafkajs/src/utils/long' {
  const Long: { fromValue(value: number): { toString(): string } }
  export = Long
}

// How messages are sorted into partitions, which kafka-sends.ts has done by then.
declare module 'kafkajs/src/producer/groupMessagesPerPartition' {
  interface SortedMessage {
    readonly key?: string | Buffer | null
  }
  const groupMessagesPerPartition: (given: {
    readonly topic: string
    readonly messages: readonly SortedMessage[]
    readonly partitionMetadata: readonly object[]
    readonly partitioner: () => number
  }) => Record<string, SortedMessage[]>
  export = groupMessagesPerPartition
}
