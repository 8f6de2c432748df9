// kafkajs 2.2.4 delivers records of aborted transactions when such transactions overlap, or when a fetch
// starts inside one: its filter walks the broker's list of aborted transactions as if it were sorted by first
// offset (it is sorted by completion), takes at most one step per record, and takes any record whose key is
// four zero bytes for an abort marker. Here every fetch response is filtered rightly before kafkajs sees it (kafka-fetch.ts).
// Aborted records are marked as control records, which kafkajs hides but whose offsets it still counts.
import type Broker from 'kafkajs/src/broker'

type Partition = Awaited<ReturnType<Broker['fetch']>>['responses'][number]['partitions'][number]

/** Marks the records of aborted transactions, and leaves no list for kafkajs's own filter to work on. */
export function hideAborted(partition: Partition): void {
  const aborted = [...(partition.abortedTransactions ?? [])].sort(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  )
  partition.abortedTransactions = []
  if (aborted.length === 0) return
  const open = new Set<string>()
  let next = 0
  for (const message of partition.messages) {
    for (let start = aborted[next]; start !== undefined; start = aborted[next]) {
      if (Number(message.offset) < Number(start.firstOffset)) break
      open.add(start.producerId)
      next += 1
    }
    const context = message.batchContext
    if (context === undefined || !open.has(context.producerId)) continue
    // A control record ends its producer's transaction: an aborted one here, since it was open.
    if (message.isControlRecord === true) open.delete(context.producerId)
    else if (context.inTransaction) message.isControlRecord = true
  }
}
