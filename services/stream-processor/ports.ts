// What a partition's task needs of the world: a log to commit to and a store to read from. Kafka and LMDB
// stand behind them; tests put memory there.
import type { StageMark as MarkRecord } from '../core/records'
import type { OutgoingRecord } from '../runtime/kafka'

/** How far a partition's inputs are applied, and how many crashes its records have caused. */
export interface StageMark {
  /** Next offset of each input topic, by its name on the broker. */
  readonly positions: Readonly<Record<string, number>>
  /** Partition count that all topics of the stage had when the state was made; 0 in an empty state. */
  readonly partitions: number
  /** `topic:offset` to number of crashes. */
  readonly crashes: Readonly<Record<string, number>>
  /** The settings in force, as text, and their number; empty before the first. */
  readonly epoch: number
  readonly settings: string
  /** Settings under which everything they concern has been settled. */
  readonly settledEpoch: number
}

export const emptyMark: StageMark = {
  positions: {},
  partitions: 0,
  crashes: {},
  epoch: 0,
  settings: '',
  settledEpoch: 0,
}

/** As the changelog has it. */
export function markRecord(mark: StageMark, owner = ''): MarkRecord {
  const { settledEpoch, ...rest } = mark
  return { ...rest, settled_epoch: settledEpoch, owner }
}

export function markFrom(record: MarkRecord): StageMark {
  const { positions, partitions, crashes, epoch, settings } = record
  return { positions, partitions, crashes, epoch, settings, settledEpoch: record.settled_epoch }
}

/** One partition of the changelog and everything committed together with it. */
export interface StageLog {
  /** Fences older owners. @returns the offset of the record that says so: the changelog's end for us */
  open(): Promise<number>
  /** One transaction. @returns the next offset of the changelog partition
   * @throws DependencyError with unknown outcome: the log must be closed and opened again */
  commit(records: readonly OutgoingRecord[]): Promise<number | null>
  close(): Promise<void>
}

/** The state of one partition on this machine's disk: a copy of what the changelog holds. */
export interface PartitionStore {
  get(key: string): Buffer | undefined
  range(from: string, to: string, reverse: boolean): Iterable<readonly [string, Buffer]>
  /** How many entries it holds. */
  size(): number
  mark(): StageMark
  /** Next offset of the changelog to apply. */
  changelogNext(): number
  /** Writer schemas of the values held. */
  schemaIds(): readonly number[]
  /** Everything or nothing. Fails when the stored positions are not those of `from`: somebody else wrote. */
  apply(changes: StoreChanges): void
  /** Whether something was removed whose bytes the disk is not to hold either. Survives a crash. */
  purgeDue(): boolean
  /** Rewrites the store without anything that was removed. Nothing may be read or applied meanwhile. */
  purge(): Promise<void>
  /** Forgets everything, to be restored from the changelog's beginning. */
  clear(): void
  close(): Promise<void>
}

export interface StoreChanges {
  /** Key to value, or to null where it is removed. */
  readonly entries: Iterable<readonly [string, Buffer | null]>
  /** The mark the changes begin at; null while restoring, where the changelog decides. */
  readonly from: StageMark | null
  readonly mark: StageMark
  readonly changelogNext: number
  readonly schemaIds: readonly number[]
  /** What these changes remove or replace is not to stay on the disk. */
  readonly purges: boolean
}
