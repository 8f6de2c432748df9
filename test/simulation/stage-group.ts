// A consumer group of one stage and its members, as kafkajs behaves: positions live in the member, a seek counts
// from the next fetch on, what was fetched may be handed over after a seek, a pause or a rebalance, one batch at
// a time. Each member learns of a rebalance in its own time, so one may go on with partitions another has by now.
import type { IncomingRecord } from '../../services/runtime/kafka'
import type { Batch, Consumer, TopicPartition } from '../../services/runtime/kafka-consumer'
import type { Dice } from './dice'
import type { MemoryBroker } from './memory-broker'
import type { PartitionLog } from './partition-log'
import type { Action, Owner, Schedule } from './schedule'

export interface MemberHandlers {
  onAssigned(assigned: readonly TopicPartition[], consumer: Consumer): void
  onBatch(batch: Batch): Promise<void>
}

interface GroupParts {
  readonly name: string
  readonly topics: readonly string[]
  readonly broker: MemoryBroker
  readonly schedule: Schedule
  readonly dice: Dice
}

export class StageGroup {
  readonly parts: GroupParts
  /** What anybody committed last, by `topic:partition`. */
  readonly committed = new Map<string, number>()
  readonly #members: GroupMember[] = []

  constructor(parts: GroupParts) {
    this.parts = parts
  }

  get members(): readonly GroupMember[] {
    return this.#members
  }

  join(owner: Owner, handlers: MemberHandlers): GroupMember {
    const member = new GroupMember(this, owner, handlers)
    this.#members.push(member)
    this.rebalance()
    return member
  }

  /** `member` is gone, or has not been heard of for too long. */
  drop(owner: Owner): void {
    const at = this.#members.findIndex((member) => member.owner === owner)
    if (at === -1) return
    this.#members.splice(at, 1)
    this.rebalance()
  }

  /** Deals the partitions anew, without `without`; who has one often keeps it. */
  rebalance(without?: Owner): void {
    const { broker, dice } = this.parts
    const takers = this.#members.filter(({ owner }) => owner !== without)
    const dealt = new Map<GroupMember, number[]>(this.#members.map((member) => [member, []]))
    for (let partition = 0; partition < broker.partitions && takers.length > 0; partition += 1) {
      const holder = takers.find((member) => member.assigned.includes(partition))
      const taker = holder !== undefined && dice.chance(0.5) ? holder : dice.pick(takers)
      dealt.get(taker)?.push(partition)
    }
    for (const [member, partitions] of dealt) member.willHave(partitions)
  }

  actions(): Action[] {
    return this.#members.flatMap((member) => member.actions())
  }
}

interface Fetched extends TopicPartition {
  readonly fetchedOffset: number
  readonly lastOffset: number
  readonly records: readonly IncomingRecord[]
}

interface Leap {
  readonly from: number
  readonly by: number
  sought: number
  readonly onAmended: (place: TopicPartition & { readonly offset: number }) => void
}

export class GroupMember implements Consumer {
  readonly owner: Owner
  readonly #group: StageGroup
  readonly #handlers: MemberHandlers
  readonly #positions = new Map<string, number>()
  readonly #seeks = new Map<string, number>()
  readonly #paused = new Set<string>()
  readonly #fetched = new Map<string, Fetched>()
  /** Places it leaps over again when they are sought for the second time. */
  readonly #leaps = new Map<string, Leap>()
  /** Of what is assigned. */
  #logs: readonly PartitionLog[] = []
  /** What was sought while a batch of the same place was handed over: no other batch can come in between. */
  readonly #awaited = new Set<string>()
  #hearing = ''
  #waiting: readonly number[] | null = null
  #busy = false
  assigned: readonly number[] = []
  /** Whether it hears of rebalances; one that does not goes on with what it has. */
  deaf = false

  constructor(group: StageGroup, owner: Owner, handlers: MemberHandlers) {
    this.#group = group
    this.owner = owner
    this.#handlers = handlers
  }

  willHave(partitions: readonly number[]): void {
    this.#waiting = partitions
  }

  seek({ topic, partition, offset }: TopicPartition & { readonly offset: number }): void {
    const place = `${topic}:${partition}`
    if (this.#hearing === place) this.#awaited.add(place)
    const leap = this.#leaps.get(place)
    if (leap?.from === offset) leap.sought += 1
    const leaps = leap !== undefined && leap.sought === 2 && leap.from === offset
    if (leaps) this.#leaps.delete(place)
    this.#seeks.set(place, offset + (leaps ? leap.by : 0))
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.add(`${topic}:${partition}`)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.delete(`${topic}:${partition}`)
  }

  commit(offsets: readonly (TopicPartition & { offset: number })[]): Promise<void> {
    const { schedule } = this.#group.parts
    return schedule.request(this.owner, 'commits offsets', () => {
      for (const { topic, partition, offset } of offsets) {
        this.#group.committed.set(`${topic}:${partition}`, offset)
      }
    })
  }

  close(): Promise<void> {
    const { schedule } = this.#group.parts
    return schedule.request(this.owner, 'leaves the group', () => {
      this.#group.drop(this.owner)
    })
  }

  /** Makes it fetch again what it had, or from beyond what it was to have, as long as something is there to be had:
   * what was leapt over shows when the next record comes. */
  displace(records: number): void {
    const log = this.#group.parts.dice.pick(this.#displaceable(records))
    this.#positions.set(log.name, this.#displaced(log, records))
  }

  /** Makes it fetch from beyond what it was to have, and once more when that is sought for the second time.
   * @param onAmended hears where, when it is handed what it was to have */
  leapTwice(records: number, onAmended: Leap['onAmended']): void {
    const { topics, dice } = this.#group.parts
    const logs = this.#displaceable(records).filter(({ topic }) => topic !== topics.at(-1))
    if (logs.length === 0) return
    const log = dice.pick(logs)
    const from = this.#nextOffset(log)
    this.#leaps.set(log.name, { from, by: records, sought: 0, onAmended })
    this.#positions.set(log.name, this.#displaced(log, records))
  }

  canDisplace(records: number): boolean {
    return this.#displaceable(records).length > 0
  }

  #displaceable(records: number): PartitionLog[] {
    return this.#logs.filter((log) => {
      if (this.#seeks.has(log.name) || this.#paused.has(log.name)) return false
      if (this.#awaited.has(log.name)) return false
      return (log.fetch(this.#displaced(log, records), log.end)?.records.length ?? 0) > 0
    })
  }

  #displaced(log: PartitionLog, records: number): number {
    return Math.max(0, this.#nextOffset(log) + records)
  }

  actions(): Action[] {
    if (!this.owner.alive) return []
    const { name } = this.#group.parts
    const actions: Action[] = []
    const add = (what: string, run: () => void): void => {
      actions.push({ name: `${this.owner.name} ${name} ${what}`, run })
    }
    if (this.#waiting !== null && !this.deaf) {
      const partitions = this.#waiting
      add(`is assigned ${partitions.join()}`, () => {
        this.#join(partitions)
      })
    }
    if (this.#busy) return actions
    for (const log of this.#logs) {
      const fetched = this.#fetched.get(log.name)
      if (fetched !== undefined) {
        add(`hears ${log.name} from ${fetched.fetchedOffset}`, () => {
          this.#hear(log.name, fetched)
        })
      } else if (!this.#paused.has(log.name) && this.#hasMore(log)) {
        add(`fetches ${log.name}`, () => {
          this.#fetch(log)
        })
      }
    }
    return actions
  }

  /** Positions begin where the group last committed; what was fetched before may still be handed over. */
  #join(partitions: readonly number[]): void {
    const { topics, dice, broker } = this.#group.parts
    this.#waiting = null
    this.assigned = partitions
    if (dice.chance(0.7)) this.#fetched.clear()
    this.#positions.clear()
    this.#seeks.clear()
    this.#awaited.clear()
    this.#logs = partitions.flatMap((partition) =>
      topics.map((topic) => broker.log(topic, partition)),
    )
    for (const { name } of this.#logs) {
      this.#positions.set(name, this.#group.committed.get(name) ?? 0)
    }
    this.#handlers.onAssigned(this.#logs, this)
  }

  #nextOffset({ name }: PartitionLog): number {
    return this.#seeks.get(name) ?? this.#positions.get(name) ?? 0
  }

  #hasMore(log: PartitionLog): boolean {
    const next = this.#nextOffset(log)
    return next < log.stableEnd() || next > log.end
  }

  #fetch(log: PartitionLog): void {
    const { dice } = this.#group.parts
    const { topic, partition, name: place } = log
    let from = this.#nextOffset(log)
    this.#seeks.delete(place)
    // Out of range kafkajs silently begins where the log begins.
    if (from < log.start || from > log.end) from = log.start
    this.#positions.set(place, from)
    const fetched = log.fetch(from, dice.between(1, 12))
    if (fetched === null) return
    // A batch of hidden records only is not handed over.
    if (fetched.records.length === 0) {
      this.#positions.set(place, fetched.lastOffset + 1)
      return
    }
    const batch: Fetched = {
      ...{ topic, partition, fetchedOffset: from, lastOffset: fetched.lastOffset },
      records: fetched.records.map(({ offset, key, value, headers, appendedAt }) => ({
        ...{ topic, partition, offset, key, value, headers, timestampMs: appendedAt },
      })),
    }
    if (dice.chance(0.7)) this.#hear(place, batch)
    else this.#fetched.set(place, batch)
  }

  #hear(place: string, fetched: Fetched): void {
    this.#fetched.delete(place)
    this.#awaited.delete(place)
    this.#hearing = place
    this.#busy = true
    const { broker } = this.#group.parts
    const leap = this.#leaps.get(place)
    if (leap?.from === fetched.fetchedOffset) leap.onAmended({ ...fetched, offset: leap.from })
    const highWatermark = broker.log(fetched.topic, fetched.partition).end
    this.#handlers.onBatch({ ...fetched, highWatermark }).then(
      () => {
        this.#busy = false
        this.#hearing = ''
        this.#positions.set(place, fetched.lastOffset + 1)
      },
      () => {
        // What was refused is handed over again.
        this.#busy = false
        this.#hearing = ''
        this.#positions.set(place, fetched.fetchedOffset)
      },
    )
  }
}
