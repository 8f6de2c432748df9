// The one class of kafkajs that is not public and that kafka-aborted-filter.ts mends.
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
  class Broker {
    fetch(request: object): Promise<{ responses: { partitions: FetchedPartition[] }[] }>
  }
  export = Broker
}
