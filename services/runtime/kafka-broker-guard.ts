// A broker that kafkajs 2.2.4 has not connected to throws a plain Error when it is asked anything. kafkajs takes that
// for a fault of the program and gives the consumer up, although only the connection is missing: seen when a broker
// stops while its clients look for another. Here it is an error of the connection, which kafkajs tries again after.
import { KafkaJSConnectionError, KafkaJSError } from 'kafkajs'
import Broker from 'kafkajs/src/broker'

type Lookup = (...request: readonly unknown[]) => unknown

const lookups = new WeakMap<Broker, Lookup>()

/** Mends every client of this process; calling it again changes nothing. */
export function installBrokerGuard(): void {
  if (Object.hasOwn(Broker.prototype, 'lookupRequest')) return
  // Every broker assigns how requests are found when it is made, and again when it is connected.
  Object.defineProperty(Broker.prototype, 'lookupRequest', {
    get(this: Broker) {
      return lookups.get(this)
    },
    set(this: Broker, lookup: Lookup) {
      lookups.set(this, (...request) => namingTheConnection(() => lookup(...request)))
    },
  })
}

function namingTheConnection(look: () => unknown): unknown {
  try {
    return look()
  } catch (error) {
    if (error instanceof KafkaJSError) throw error
    throw new KafkaJSConnectionError(error instanceof Error ? error : String(error))
  }
}
