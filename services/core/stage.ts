// A stage of the topology as a value: what it reads, loops, keeps and writes, and the pure step it runs. The
// stream processor runs any such value on Kafka; the tests run the same value in memory.
import type { Reject } from './reject'
import type { Topic, ValueOf } from './topics'

/** The entries one node keeps, by key. Nothing of any other node can be reached. */
export interface NodeState<Entry> {
  readonly node: string
  get(key: string): Entry | undefined
  /** Entries with `from` ≤ key < `to`, in the order of their keys, or against it. */
  range(from: string, to: string, reverse?: boolean): Iterable<readonly [key: string, entry: Entry]>
  put(key: string, entry: Entry): void
  remove(key: string): void
}

/** One node's turn: its own state, what all may read, and what it says to others. */
export interface Turn<Entry, Message, Output extends Topic, Change> extends NodeState<Entry> {
  /** Epoch ms. In a step: when the newest of this partition's records was accepted, that of the step included. While
   * a node is looked after: up to when all that was accepted has been heard; 0 while that is not known. It is made
   * of what was read since the partition was taken over, so it may fall back. */
  readonly acceptedUpTo: number
  /** Epoch ms at which the record that is heard reached its topic: the record's own, however far the partition
   * is. While a node is looked after, `acceptedUpTo`; 0 while unknown. */
  readonly appendedAt: number
  /** An entry of the stage's common node, which every node of the partition may read. */
  common(key: string): Entry | undefined
  /** Tells another node something; it arrives through the loop topic, in order for each pair of nodes. */
  send(message: Message): void
  /** Null removes what was said of the key, in a topic that is compacted. */
  emit<T extends Output>(topic: T, key: string, value: ValueOf<T> | null): void
  /** Asks for this node to be settled once at the end of the batch. */
  change(change: Change): void
}

/** A record as a step sees it: its topic's name tells which. */
export type Observation<Input extends Topic> = {
  [T in Input as T['name']]: { readonly topic: T['name']; readonly value: ValueOf<T> }
}[Input['name']]

export interface Stage<
  Input extends Topic = Topic,
  Loop extends Topic = Topic,
  Store extends Topic = Topic,
  Output extends Topic = Topic,
  Change = unknown,
> {
  readonly name: string
  readonly reads: readonly Input[]
  /** Topic through which the nodes of the stage talk to one another. */
  readonly loops: Loop | null
  /** Changelog of the store. */
  readonly keeps: Store
  readonly writes: readonly Output[]
  /** The node a record is for. */
  nodeOf(observation: Observation<Input> | Observation<Loop>): string
  /** A node that lies in every partition, whatever its name: what is for it comes in a copy for each. Null for none. */
  readonly common: string | null
  /** Keys of the entries of a node that are read together, once a batch, when the first of them is wanted: those a step
   * needs more than once, and few for most nodes. From the one to below the other. */
  readonly near: readonly [from: string, to: string]
  /** The Kafka key that brings a message to a node's partition. */
  partitionKeyOf(node: string): string
  /** The message that carries a record to its own partition when a foreign producer put it into another.
   * `appendedAt` as in a turn. */
  redirect: ((observation: Observation<Input>, appendedAt: number) => ValueOf<Loop> | Reject) | null
  /** Pure: all it knows is in its arguments. */
  step(
    turn: Turn<ValueOf<Store>, ValueOf<Loop>, Output, Change>,
    observation: Observation<Input> | Observation<Loop>,
  ): Reject | undefined
  /** Run once per batch for each node that asked for it; says what has changed for the outside. */
  settle(
    turn: Turn<ValueOf<Store>, ValueOf<Loop>, Output, Change>,
    changes: readonly Change[],
  ): void
  /** Looks after a node that no record is about: lets go of what no rule needs any more, and has what new
   * settings concern settled. Null where a stage has nothing to look after. */
  readonly tend:
    ((turn: Turn<ValueOf<Store>, ValueOf<Loop>, Output, Change>, upkeep: Upkeep) => void) | null
  /** Whether what a record has removed is not to lie on any disk either: deletion on request. */
  purges(observation: Observation<Input> | Observation<Loop>): boolean
}

/** What a walk through the nodes of a partition is about. */
export interface Upkeep {
  /** The settings are new: everything they concern is to be settled again. */
  readonly settingsChanged: boolean
}

/** For a stage whose nodes do not talk to one another. */
export const noLoop: Topic<never, never> | null = null

/** Checks the wiring's types; returns the stage as it is. */
export function stage<
  Input extends Topic,
  Loop extends Topic,
  Store extends Topic,
  Output extends Topic,
  Change,
>(
  definition: Stage<Input, Loop, Store, Output, Change>,
): Stage<Input, Loop, Store, Output, Change> {
  return definition
}
