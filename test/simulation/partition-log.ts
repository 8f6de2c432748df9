// One partition of a topic as a broker keeps it: offsets without gaps, transactions whose markers take an offset
// too, and an end for readers of committed records where the first open transaction begins.

export interface LoggedRecord {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** Epoch ms. */
  readonly appendedAt: number
  readonly transaction: Transaction | null
  /** A transaction's marker: readers never see it. */
  readonly marker: boolean
}

export interface Transaction {
  readonly transactionalId: string
  state: 'open' | 'committed' | 'aborted'
  readonly logs: Set<PartitionLog>
}

export interface FetchedRecords {
  readonly records: readonly LoggedRecord[]
  /** Of the last record, hidden ones included. */
  readonly lastOffset: number
}

export class PartitionLog {
  readonly topic: string
  readonly partition: number
  /** `topic:partition` */
  readonly name: string
  /** By offset; null where a record was deleted or compacted away. */
  readonly #records: (LoggedRecord | null)[] = []
  /** Where each transaction began here that may still be open. */
  readonly #began = new Map<Transaction, number>()
  #start = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
    this.name = `${topic}:${partition}`
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#records.length
  }

  /** @returns the record's offset */
  append(record: Omit<LoggedRecord, 'offset'>): number {
    const offset = this.#records.length
    const { transaction } = record
    transaction?.logs.add(this)
    if (transaction?.state === 'open' && !this.#began.has(transaction)) {
      this.#began.set(transaction, offset)
    }
    this.#records.push({ ...record, offset })
    return offset
  }

  /** Where readers of committed records must stop. */
  stableEnd(): number {
    let end = this.#records.length
    for (const [transaction, began] of this.#began) {
      if (transaction.state === 'open') end = Math.min(end, began)
      else this.#began.delete(transaction)
    }
    return end
  }

  /** Committed records from an offset on; null when there is nothing yet. */
  fetch(from: number, max: number): FetchedRecords | null {
    const end = Math.min(this.stableEnd(), from + max)
    if (from >= end) return null
    const records = this.#records
      .slice(from, end)
      .flatMap((record) => (record !== null && isVisible(record) ? [record] : []))
    return { records, lastOffset: end - 1 }
  }

  /** All committed records, those that were deleted left out. */
  committed(): readonly LoggedRecord[] {
    return this.fetch(0, this.end)?.records ?? []
  }

  deleteBelow(offset: number): void {
    for (; this.#start < offset; this.#start += 1) this.#records[this.#start] = null
  }

  /** Leaves the newest committed record of each key and everything that is still open. */
  compact(): void {
    const newest = new Map<string, number>()
    const end = this.stableEnd()
    for (const { key, offset } of this.fetch(0, end)?.records ?? []) newest.set(String(key), offset)
    for (let offset = this.#start; offset < end; offset += 1) {
      const record = this.#records[offset] ?? null
      if (record === null || record.marker) continue
      if (!isVisible(record) || newest.get(String(record.key)) !== offset) {
        this.#records[offset] = null
      }
    }
  }
}

function isVisible({ marker, transaction }: LoggedRecord): boolean {
  return !marker && (transaction === null || transaction.state === 'committed')
}
