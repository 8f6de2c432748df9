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
