// What one partition still owes the ERP: the newest version of each order, when it is due, and up to which
// offset everything below is settled.

interface Pending<Value> {
  readonly version: number
  readonly value: Value
  /** When the first version that is still owed was written. */
  readonly sinceMs: number
  /** Offsets of all versions it stands for. */
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface Due<Value> {
  readonly key: string
  readonly value: Value
  readonly version: number
  readonly lastOffset: number
  readonly sinceMs: number
}

export class PendingDocuments<Value> {
  private readonly byKey = new Map<string, Pending<Value>>()
  private readonly settleMs: number
  private readOffset = -1

  /** @param settleMs how long an order may go on changing before it is delivered */
  constructor(settleMs: number) {
    this.settleMs = settleMs
  }

  get size(): number {
    return this.byKey.size
  }

  has(key: string): boolean {
    return this.byKey.has(key)
  }

  /** Takes a record in. A version below the newest known changes nothing. */
  add(
    key: string,
    record: {
      readonly value: Value
      readonly version: number
      readonly offset: number
      readonly atMs: number
    },
  ): void {
    this.readTo(record.offset + 1)
    const known = this.byKey.get(key)
    const newer = known === undefined || record.version >= known.version
    this.byKey.set(key, {
      version: newer ? record.version : known.version,
      value: newer ? record.value : known.value,
      sinceMs: known?.sinceMs ?? record.atMs,
      firstOffset: known?.firstOffset ?? record.offset,
      lastOffset: Math.max(known?.lastOffset ?? 0, record.offset),
    })
  }

  /** Notes that everything below `offset` was read, records that need nothing included. */
  readTo(offset: number): void {
    this.readOffset = Math.max(this.readOffset, offset)
  }

  /** At most `limit` orders whose settle time is over, the longest waiting first. */
  due(nowMs: number, limit: number): Due<Value>[] {
    const due: Due<Value>[] = []
    for (const [key, { value, version, sinceMs, lastOffset }] of this.byKey) {
      // Entries stand in the order of their times.
      if (due.length === limit || sinceMs + this.settleMs > nowMs) break
      due.push({ key, value, version, lastOffset, sinceMs })
    }
    return due
  }

  /** What was due is recorded. Versions that came meanwhile stay owed, with a settle time of their own. */
  settled(key: string, done: { readonly lastOffset: number; readonly nowMs: number }): void {
    const known = this.byKey.get(key)
    if (known === undefined) return
    this.byKey.delete(key)
    if (known.lastOffset <= done.lastOffset) return
    this.byKey.set(key, { ...known, sinceMs: done.nowMs, firstOffset: done.lastOffset + 1 })
  }

  /** Time since the longest waiting order was written; 0 when none waits. */
  oldestAgeMs(nowMs: number): number {
    const [oldest] = this.byKey.values()
    return oldest === undefined ? 0 : Math.max(0, nowMs - oldest.sinceMs)
  }

  /** Offset up to which nothing is owed any more; null before anything was read. */
  commitOffset(): number | null {
    if (this.readOffset < 0) return null
    let lowest = this.readOffset
    for (const { firstOffset } of this.byKey.values()) lowest = Math.min(lowest, firstOffset)
    return lowest
  }
}
