// One kafkajs client with sockets of our own. kafkajs gives up a request that is not answered in time but keeps
// its connection, so that on a half-open one every further request is lost as well; and a disconnect waits
// without end for answers that are still owed. So a request that timed out ends the connections of its client,
// as the Java client does, and a close that takes too long ends them too.
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactoryArgs, Kafka } from 'kafkajs'

/** What a guard did; counted, for an operator who wonders. */
export const kafkaGuards = [
  'connection_cut',
  'producer_replaced',
  'consumer_begun_anew',
  'commit_unconfirmed',
] as const
export type KafkaGuard = (typeof kafkaGuards)[number]

export interface OneClient {
  readonly kafka: Kafka
  readonly sockets: ClientSockets
  readonly acted: (guard: KafkaGuard) => void
}

/** A client of its own for whoever asks, so that one's faults end nobody else's connections. */
export type OpenClient = () => OneClient

interface ClientSockets {
  readonly open: (options: ISocketFactoryArgs) => Socket
  /** Ends every connection; whatever waits on one is told. */
  cut(reason: string): void
  /** No connection is opened any more: kafkajs goes on trying to send what was under way when it was closed. */
  end(): void
}

const keepAliveMs = 10_000

export function clientSockets(): ClientSockets {
  const sockets = new Set<Socket>()
  let ended = false
  return {
    open: ({ host, port, ssl, onConnect }) => {
      if (ended) throw new Error('this client is closed')
      // kafkajs passes null where there is nothing to encrypt.
      const encrypted = ssl as ISocketFactoryArgs['ssl'] | null
      const name = isIP(host) === 0 ? { servername: host } : {}
      const socket =
        encrypted === null
          ? connect({ host, port }, onConnect)
          : connectTls({ host, port, ...name, ...encrypted }, onConnect)
      socket.setKeepAlive(true, keepAliveMs)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    cut: (reason) => {
      for (const socket of sockets) {
        // One that was ended already has a successor, which kafkajs would end on an error of this one.
        if (socket.writableEnded) socket.destroy()
        else socket.destroy(new Error(reason))
      }
    },
    end: () => {
      ended = true
    },
  }
}

/** The kinds of kafkajs clients all tell of requests that timed out. */
interface TellsTimeouts {
  readonly events: { readonly REQUEST_TIMEOUT: string }
  on(event: string, listener: () => void): unknown
}

export function cutOnTimeout(client: unknown, { sockets, acted }: OneClient): void {
  const telling = client as TellsTimeouts
  telling.on(telling.events.REQUEST_TIMEOUT, () => {
    acted('connection_cut')
    sockets.cut('a request was not answered in time')
  })
}

const closePatienceMs = 3_000

/** Closes, and ends the connections when the broker does not answer meanwhile. */
export async function closeClient(
  close: () => Promise<unknown>,
  { sockets, acted }: OneClient,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const cut = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      acted('connection_cut')
      sockets.end()
      sockets.cut('it was not closed in time')
      // Whoever waited on a connection knows now; what kafkajs still waits for then will not come.
      timer = setTimeout(resolve, closePatienceMs)
    }, closePatienceMs)
  })
  try {
    await Promise.race([close(), cut])
  } finally {
    clearTimeout(timer)
    sockets.end()
  }
}
