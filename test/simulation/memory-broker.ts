// A broker in memory: partitions, and transactions with epochs. Only beginning to produce fences an older
// producer of the same id, connecting does not; so it was seen on the real broker.
import type { OutgoingRecord } from '../../services/runtime/kafka'
import { PartitionLog, type Transaction } from './partition-log'

interface Coordinated {
  epoch: number
  open: Transaction | null
}

export interface Producing {
  readonly transactionalId: string
  readonly epoch: number
}

export class MemoryBroker {
  readonly partitions: number
  readonly #logs = new Map<string, PartitionLog>()
  readonly #coordinated = new Map<string, Coordinated>()
  /** Called for each transaction as it opens: it may be left open for so long only. */
  readonly #onOpened: (transaction: Transaction) => void
  readonly #now: () => number

  constructor(
    partitions: number,
    { now, onOpened }: { now: () => number; onOpened: (transaction: Transaction) => void },
  ) {
    this.partitions = partitions
    this.#now = now
    this.#onOpened = onOpened
  }

  log(topic: string, partition: number): PartitionLog {
    const name = `${topic}:${partition}`
    let log = this.#logs.get(name)
    if (log === undefined) this.#logs.set(name, (log = new PartitionLog(topic, partition)))
    return log
  }

  logsOf(topic: string): PartitionLog[] {
    return Array.from({ length: this.partitions }, (_, partition) => this.log(topic, partition))
  }

  produce({ topic, partition, key, value, headers }: OutgoingRecord): void {
    this.log(topic, partition).append({
      ...{ key: bytes(key), value, headers: headers ?? {}, transaction: null, marker: false },
      appendedAt: this.#now(),
    })
  }

  /** Begins to produce under a transactional id: aborts what an older producer left open, and fences it. */
  initProducer(transactionalId: string): Producing {
    const known = this.#coordinated.get(transactionalId) ?? { epoch: 0, open: null }
    this.#coordinated.set(transactionalId, known)
    if (known.open !== null) this.#end(known.open, 'aborted')
    known.open = null
    known.epoch += 1
    return { transactionalId, epoch: known.epoch }
  }

  /** @returns the next offset of each `topic:partition` written */
  send(producing: Producing, records: readonly OutgoingRecord[]): Map<string, number> {
    const known = this.#unfenced(producing)
    if (known.open === null) {
      const { transactionalId } = producing
      known.open = { transactionalId, state: 'open', logs: new Set() }
      this.#onOpened(known.open)
    }
    const next = new Map<string, number>()
    for (const { topic, partition, key, value, headers } of records) {
      const offset = this.log(topic, partition).append({
        ...{ key: bytes(key), value, headers: headers ?? {}, marker: false },
        ...{ transaction: known.open, appendedAt: this.#now() },
      })
      next.set(`${topic}:${partition}`, offset + 1)
    }
    return next
  }

  commit(producing: Producing): void {
    const known = this.#unfenced(producing)
    if (known.open === null) throw new Error('there is no transaction to commit')
    this.#end(known.open, 'committed')
    known.open = null
  }

  /** What an owner that is gone left open ends here, and its producer with it. */
  timeOut(transaction: Transaction): void {
    if (transaction.state !== 'open') return
    this.#end(transaction, 'aborted')
    const known = this.#coordinated.get(transaction.transactionalId)
    if (known?.open !== transaction) return
    known.open = null
    known.epoch += 1
  }

  #unfenced({ transactionalId, epoch }: Producing): Coordinated {
    const known = this.#coordinated.get(transactionalId)
    if (known?.epoch !== epoch) throw new Error(`${transactionalId} is fenced at epoch ${epoch}`)
    return known
  }

  #end(transaction: Transaction, state: 'committed' | 'aborted'): void {
    transaction.state = state
    const marker = { key: null, value: null, headers: {}, transaction, marker: true }
    for (const log of transaction.logs) log.append({ ...marker, appendedAt: this.#now() })
  }
}

function bytes(key: Buffer | string | null): Buffer | null {
  return typeof key === 'string' ? Buffer.from(key) : key
}
