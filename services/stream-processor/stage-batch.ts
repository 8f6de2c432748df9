// Runs a stage's step over the records of one batch: nothing here knows Kafka, time or files. What a node says
// to another of the same partition is heard at once, in order; what it says to others waits for the loop.
import { partitionOf } from '../core/partition'
import { isReject, reject, type Reject } from '../core/reject'
import type { Observation, Stage, Turn, Upkeep } from '../core/stage'
import type { Topic, ValueOf } from '../core/topics'
import { overlayOn, type EntryStore, type Overlay } from './overlay'

export interface Emission {
  readonly topic: Topic
  readonly key: string
  readonly value: unknown
}

export interface LoopMessage {
  readonly partition: number
  readonly key: string
  readonly value: unknown
}

interface Placement {
  readonly partition: number
  /** Partition count of the stage's topics. */
  readonly partitions: number
  /** As a turn has it. */
  readonly acceptedUpTo: number
}

interface HeardRecord {
  readonly topic: string
  readonly value: unknown
  /** Epoch ms at which it reached its topic, where that is known. */
  readonly appendedAt?: number
}

export interface StageBatch {
  /** Applies one record. A rejected record has changed nothing. */
  observe(observation: HeardRecord): Reject | undefined
  /** Looks after a node no record is about. */
  tend(node: string, upkeep: Upkeep): void
  /** Settles every node that asked for it; once, at the end. */
  settle(): void
  readonly emissions: readonly Emission[]
  readonly loops: readonly LoopMessage[]
  changes(): Iterable<readonly [key: string, entry: unknown]>
  /** Messages between nodes of this partition; records of deletion on request, among those too. */
  readonly counts: { local: number; settled: number; purging: number }
}

/** Any stage, as the runner sees it: the types of one stage agree among themselves. */
export type AnyStage = Stage

export function openBatch(
  stage: AnyStage,
  store: EntryStore<unknown>,
  placement: Placement,
): StageBatch {
  const overlay = overlayOn(store)
  const emissions: Emission[] = []
  const loops: LoopMessage[] = []
  const local: ValueOf<Topic>[] = []
  const changed = new Map<string, unknown[]>()
  const counts = { local: 0, settled: 0, purging: 0 }
  let appendedAt = placement.acceptedUpTo

  const send = (message: ValueOf<Topic>): void => {
    const key = stage.partitionKeyOf(nodeOfMessage(stage, message))
    const partition = partitionOf(Buffer.from(key), placement.partitions)
    if (partition === placement.partition) local.push(message)
    else loops.push({ partition, key, value: message })
  }
  const turnOf = (node: string): Turn<ValueOf<Topic>, ValueOf<Topic>, Topic, unknown> => ({
    ...stateOf(node, overlay as Overlay<ValueOf<Topic>>),
    acceptedUpTo: placement.acceptedUpTo,
    appendedAt,
    send,
    emit: (topic, key, value) => emissions.push({ topic, key, value }),
    change: (change) => {
      addTo(changed, node, change)
    },
  })
  const apply = (observation: Observation<Topic>): Reject | undefined => {
    if (stage.purges(observation)) counts.purging += 1
    return stage.step(turnOf(stage.nodeOf(observation)), observation)
  }
  const hearLocal = (): void => {
    for (let next = 0; next < local.length; next += 1) {
      const value = local[next]
      if (value !== undefined) apply(loopObservation(stage, value))
      counts.local += 1
    }
    local.length = 0
  }
  return {
    observe: ({ topic, value, appendedAt: reachedAt }) => {
      const typed = { topic, value } as Observation<Topic>
      appendedAt = reachedAt ?? 0
      const isHome = homeOf(stage, typed, placement.partitions) === placement.partition
      const outcome = isHome ? apply(typed) : passOn(stage, typed, { placement, appendedAt, send })
      hearLocal()
      appendedAt = placement.acceptedUpTo
      return outcome
    },
    tend: (node, upkeep) => {
      stage.tend?.(turnOf(node), upkeep)
      hearLocal()
    },
    settle: () => {
      for (const [node, changes] of changed) {
        stage.settle(turnOf(node), changes)
        counts.settled += 1
      }
      changed.clear()
    },
    emissions,
    loops,
    changes: () => overlay.changes(),
    counts,
  }
}

function homeOf(stage: AnyStage, observation: Observation<Topic>, partitions: number): number {
  return partitionOf(Buffer.from(stage.partitionKeyOf(stage.nodeOf(observation))), partitions)
}

interface PassingOn {
  readonly placement: Placement
  readonly appendedAt: number
  readonly send: (message: ValueOf<Topic>) => void
}

/** A record that a foreign producer put into this partition goes to its own, where the stage has a way there. */
function passOn(
  stage: AnyStage,
  observation: Observation<Topic>,
  { placement, appendedAt, send }: PassingOn,
): Reject | undefined {
  if (stage.redirect === null) {
    return reject('invalid', `key: belongs to another partition than ${placement.partition}`)
  }
  const message = stage.redirect(observation, appendedAt)
  if (isReject(message)) return message
  send(message)
  return undefined
}

function addTo(changed: Map<string, unknown[]>, node: string, change: unknown): void {
  const known = changed.get(node)
  if (known === undefined) changed.set(node, [change])
  else known.push(change)
}

function stateOf<Entry>(node: string, overlay: Overlay<Entry>) {
  return {
    node,
    get: (key: string) => overlay.getOf(node, key),
    range: (from: string, to: string, reverse = false) =>
      overlay.rangeOf(node, { from, to, reverse }),
    put: (key: string, entry: Entry) => {
      overlay.put(node, key, entry)
    },
    remove: (key: string) => {
      overlay.remove(node, key)
    },
  }
}

function loopObservation(stage: AnyStage, value: ValueOf<Topic>): Observation<Topic> {
  return { topic: stage.loops?.name ?? '', value }
}

function nodeOfMessage(stage: AnyStage, message: ValueOf<Topic>): string {
  return stage.nodeOf(loopObservation(stage, message))
}
