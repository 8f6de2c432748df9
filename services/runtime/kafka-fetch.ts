// Every fetch of this process passes here: aborted records are hidden rightly, and a batch that cannot be unpacked
// is named. kafkajs knows gzip only; for anything else it says that a compression is not implemented, not where.
// Topics are provisioned so that the broker unpacks what others send; this is about topics that were not.
import Broker from 'kafkajs/src/broker'
import { hideAborted } from './kafka-aborted-filter'

type Fetch = Broker['fetch']
type FetchRequest = Parameters<Fetch>[0]

let installed = false

/** Mends every consumer of this process; calling it again changes nothing. */
export function installFetchGuards(): void {
  if (installed) return
  installed = true
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called below with the broker it came from
  const fetch = Broker.prototype.fetch
  Broker.prototype.fetch = async function (this: Broker, request) {
    try {
      const response = await fetch.call(this, request)
      for (const { partitions } of response.responses) partitions.forEach(hideAborted)
      return response
    } catch (error) {
      if (isUnreadable(error)) {
        const ask = (one: FetchRequest): ReturnType<Fetch> => fetch.call(this, one)
        error.message = `${await placeOf(ask, request)} is packed in a way that cannot be read (${error.message}): have its producer use gzip or nothing, or set compression.type=uncompressed on the topic, and send it again`
      }
      throw error
    }
  }
}

function isUnreadable(error: unknown): error is Error {
  return error instanceof Error && error.name === 'KafkaJSNotImplemented'
}

/** Reads batch by batch what was asked for together, until one cannot be read. */
async function placeOf(ask: Fetch, request: FetchRequest): Promise<string> {
  for (const { topic, partitions } of request.topics) {
    for (const { partition, fetchOffset } of partitions) {
      let next = Number(fetchOffset)
      try {
        for (let more = true; more;) {
          const one = { partition, fetchOffset: String(next), maxBytes: 1 }
          // One byte is not enough for any batch: the broker gives exactly one then.
          const narrow = { ...request, maxWaitTime: 1, maxBytes: 1 }
          const answer = await ask({ ...narrow, topics: [{ topic, partitions: [one] }] })
          const last = answer.responses[0]?.partitions[0]?.messages.at(-1)
          more = last !== undefined && Number(last.offset) >= next
          if (last !== undefined) next = Number(last.offset) + 1
        }
      } catch (error) {
        if (!isUnreadable(error)) throw error
        return `the batch of ${topic}-${partition} at offset ${next}`
      }
    }
  }
  return 'a batch'
}
