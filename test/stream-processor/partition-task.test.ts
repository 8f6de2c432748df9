import { stockStage } from '../../services/core/stock/reserve'
import type { Order } from '../../services/core/records'
import {
  deadLetterHeaders,
  deadLettersTopic,
  replayHeaders,
  topics,
} from '../../services/core/topics'
import { localCodec } from '../../services/runtime/codec'
import { DependencyError } from '../../services/runtime/errors'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { PartitionTask } from '../../services/stream-processor/partition-task'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { aLine, anOrder } from '../given'
import { MemoryLog, MemoryPartitionStore, memoryTask } from '../support/memory-stage'

const orders = localCodec('Order')
const changelog = topics.stockChangelog.name

/** The stock stage; an order id `poison` is our own fault. */
const stage = {
  ...stockStage,
  step: (turn: never, observation: { value: Order }) => {
    if (observation.value.order_id === 'poison') throw new Error('our own fault')
    return stockStage.step(turn, observation as never)
  },
} as unknown as AnyStage

function record(offset: number, orderId: string): IncomingRecord {
  const order = anOrder({ order_id: orderId, paid_at: null, lines: [aLine({ quantity: 2 })] })
  return {
    ...{ topic: topics.orders.name, partition: 0, offset, headers: {}, timestampMs: 0 },
    key: Buffer.from(order.order_key),
    value: orders.encode(order),
  }
}

interface Rig {
  readonly log: MemoryLog
  readonly store: MemoryPartitionStore
  readonly task: PartitionTask
}

async function open(
  log = new MemoryLog(changelog),
  store = new MemoryPartitionStore(),
): Promise<Rig> {
  const task = new PartitionTask({ ...memoryTask(stage), log, store })
  const from = await task.open()
  await task.restore(log.records(from))
  return { log, store, task }
}

const written = ({ log }: Rig, topic: string): number =>
  log.transactions.flat().filter((one) => one.topic === topic).length

test('a batch is one transaction, and the store has it afterwards', async () => {
  const rig = await open()
  await rig.task.process([record(0, 'a'), record(1, 'b')])
  expect(rig.log.transactions).toHaveLength(1)
  expect(written(rig, topics.stockPositions.name)).toBe(2)
  expect(rig.store.mark().positions).toEqual({ orders: 2 })
})

test('a commit that never happened is made up for when the task is opened again', async () => {
  const rig = await open()
  rig.log.fails = 'before'
  await expect(rig.task.process([record(0, 'a')])).rejects.toThrow(DependencyError)
  const again = await open(rig.log, rig.store)
  expect(again.task.positions()).toEqual({})
  await again.task.process([record(0, 'a')])
  expect(written(again, topics.stockPositions.name)).toBe(1)
})

test('a commit that happened unheard is found in the changelog, and nothing is said twice', async () => {
  const rig = await open()
  rig.log.fails = 'after'
  await expect(rig.task.process([record(0, 'a')])).rejects.toThrow(DependencyError)
  const again = await open(rig.log, rig.store)
  expect(again.task.positions()).toEqual({ orders: 1 })
  await again.task.process([record(0, 'a')])
  expect(written(again, topics.stockPositions.name)).toBe(1)
})

test('a lost disk is restored to the same entries', async () => {
  const rig = await open()
  await rig.task.process([record(0, 'a'), record(1, 'b')])
  const restored = await open(rig.log)
  expect(restored.store.entries).toEqual(rig.store.entries)
  expect(restored.task.positions()).toEqual({ orders: 2 })
})

test('a task whose own record compaction has taken is complete', async () => {
  const { log } = await open()
  const task = new PartitionTask({ ...memoryTask(stage), log, store: new MemoryPartitionStore() })
  const from = await task.open()
  // Somebody else owns the partition now, and of the two records of owners the newer one is left.
  await log.open()
  const left = log.records(from).slice(-1)
  expect(await task.restore(left)).toBe(true)
})

test('a restore that fails has not moved on', async () => {
  const rig = await open()
  await rig.task.process([record(0, 'a')])
  const store = new MemoryPartitionStore()
  const task = new PartitionTask({ ...memoryTask(stage), log: rig.log, store })
  const from = await task.open()
  store.fails = true
  await expect(task.restore(rig.log.records(from))).rejects.toThrow('the disk is full')
  expect(task.positions()).toEqual({})
  expect(await task.restore(rig.log.records(from))).toBe(true)
  expect(task.positions()).toEqual({ orders: 1 })
})

test('the record at fault crashes the process alone, and the third time it is a dead letter', async () => {
  let rig = await open()
  const batch = [record(0, 'a'), record(1, 'poison'), record(2, 'b')]
  for (let crash = 1; crash <= 3; crash += 1) {
    await expect(rig.task.process(batch)).rejects.toThrow('our own fault')
    rig = await open(rig.log, rig.store)
    expect(rig.task.positions()).toEqual({ orders: 1 })
  }
  await rig.task.process(batch)
  expect(rig.task.positions()).toEqual({ orders: 3 })
  const letters = rig.log.transactions.flat().filter(({ topic }) => topic === deadLettersTopic.name)
  expect(letters.map(({ headers }) => headers?.[deadLetterHeaders.reason])).toEqual(['crashed'])
  expect(written(rig, topics.stockPositions.name)).toBe(2)
})

test('positions that went on without anything to write are written on request, once', async () => {
  const rig = await open()
  const paid = anOrder({ order_id: 'paid' })
  const order = { ...record(0, 'paid'), value: orders.encode(paid) }
  await rig.task.process([order])
  const before = rig.log.transactions.length
  await rig.task.process([{ ...order, offset: 1, value: Buffer.from('x') }])
  await rig.task.flush()
  await rig.task.flush()
  expect(rig.store.mark().positions).toEqual({ orders: 2 })
  expect(rig.log.transactions.length).toBe(before + 1)
})

test('a condemned record that is replayed is tried again, with a count of its own', async () => {
  let rig = await open()
  const replayed = (offset: number, by: string): IncomingRecord => ({
    ...record(offset, 'poison'),
    headers: { [replayHeaders.of]: 'orders:0:0:stock', [replayHeaders.for]: by },
  })
  for (let crash = 1; crash <= 3; crash += 1) {
    await expect(rig.task.process([record(0, 'poison')])).rejects.toThrow('our own fault')
    rig = await open(rig.log, rig.store)
  }
  await rig.task.process([record(0, 'poison')])
  await expect(rig.task.process([replayed(1, 'stock')])).rejects.toThrow('our own fault')
  const mended = new PartitionTask({
    ...memoryTask(stockStage as unknown as AnyStage),
    ...{ log: rig.log, store: rig.store },
  })
  await mended.restore(rig.log.records(await mended.open()))
  await mended.process([replayed(1, 'stock')])
  expect(mended.positions()).toEqual({ orders: 2 })
  expect(written(rig, topics.stockPositions.name)).toBe(1)
})

test('a replay for another stage is passed over', async () => {
  const rig = await open()
  const headers = { [replayHeaders.of]: 'orders:0:0:journey', [replayHeaders.for]: 'journey' }
  await rig.task.process([{ ...record(0, 'poison'), headers }])
  await rig.task.flush()
  expect(rig.store.mark().positions).toEqual({ orders: 1 })
  expect(written(rig, topics.stockPositions.name)).toBe(0)
})

/** The stock stage, of which every node that is looked after is noted with how far everything has been heard. */
function lookedAfter(failing: ReadonlySet<string> = new Set()) {
  const seen: [node: string, acceptedUpTo: number][] = []
  const tended = {
    ...stockStage,
    reads: [topics.orders, topics.touchpoints],
    step: (turn: never, observation: { topic: string }) =>
      observation.topic === 'orders' ? stockStage.step(turn, observation as never) : undefined,
    tend: ({ node, acceptedUpTo }: { node: string; acceptedUpTo: number }) => {
      seen.push([node, acceptedUpTo])
      if (failing.has(node)) throw new Error('our own fault')
    },
  } as unknown as AnyStage
  return { seen, tended }
}

test('settings are in force everywhere only after a round in which no node failed', async () => {
  const failing = new Set<string>()
  const { tended } = lookedAfter(failing)
  const said: string[] = []
  const log = new MemoryLog(changelog)
  const store = new MemoryPartitionStore()
  const task = new PartitionTask({
    ...memoryTask(tended, { epoch: 3, text: 'new', stageUnder: () => tended }),
    ...{ log, store },
    heed: {
      fault: () => said.push('fault'),
      adopted: () => said.push('adopted'),
      settled: () => said.push('settled'),
    },
  })
  await task.restore(log.records(await task.open()))
  await task.process([record(0, 'a'), record(1, 'b')])
  const node = [...store.entries.keys()][0]?.split(' ')[0] ?? ''
  failing.add(node)
  await task.walk({ nowMs: 0, behind: [] })
  expect(said).toEqual(['adopted', 'fault'])
  expect(store.mark().settledEpoch).toBe(0)
  failing.clear()
  await task.walk({ nowMs: 1, behind: [] })
  expect(said).toEqual(['adopted', 'fault', 'settled'])
  expect(store.mark().settledEpoch).toBe(3)
})

test('while an input lags nothing is let go that its records may still need, however far others are', async () => {
  const { seen, tended } = lookedAfter()
  const log = new MemoryLog(changelog)
  const store = new MemoryPartitionStore()
  const task = new PartitionTask({ ...memoryTask(tended), log, store })
  await task.restore(log.records(await task.open()))
  const heard = async (behind: readonly string[]): Promise<number | undefined> => {
    await task.walk({ nowMs: 0, behind })
    return seen.at(-1)?.[1]
  }
  await task.process([{ ...record(0, 'a'), timestampMs: 1_000 }])
  await task.process([{ ...record(1, 'b'), timestampMs: 2_000 }])
  expect(await heard([])).toBe(2_000)
  // Of an input that has not been read at all it is not known since when it waits.
  expect(await heard(['touchpoints'])).toBe(0)
  const touch = { ...record(0, 'c'), topic: topics.touchpoints.name, value: Buffer.from('x') }
  await task.process([{ ...touch, timestampMs: 9_000 }])
  expect(await heard(['orders'])).toBe(2_000)
  expect(await heard(['orders', 'touchpoints'])).toBe(2_000)
  expect(await heard([])).toBe(9_000)
})
