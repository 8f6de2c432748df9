import type { BatchPart } from '../../services/core/warehouse/batch'
import type { Arrived, PartitionQueue } from '../../services/clickhouse-writer/partition-queue'
import { TopicWriter, type PartitionStart } from '../../services/clickhouse-writer/topic-writer'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { until } from '../support/until'

const limits = { recordsMax: 3, bytesMax: 1_000, waitMs: 0 }

function aRecord(offset: number, partition = 0): IncomingRecord {
  return {
    topic: 'touchpoints',
    partition,
    offset,
    key: null,
    value: Buffer.alloc(10),
    headers: {},
    timestampMs: offset * 10,
  }
}

function arrived(...offsets: number[]): Arrived {
  const lastOffset = offsets.at(-1) ?? 0
  return {
    records: offsets.map((offset) => aRecord(offset)),
    fetchedOffset: offsets[0] ?? 0,
    lastOffset,
    highWatermark: lastOffset + 1,
  }
}

interface Rig {
  readonly writer: TopicWriter
  readonly log: string[]
  readonly done: Promise<void>
  queue(partition?: number): PartitionQueue
  /** Something was read of a partition. */
  add(what: Arrived, partition?: number): void
}

interface Given {
  readonly starts?: readonly Partial<PartitionStart>[]
  readonly failAt?: string
  /** Ends a write; until then it is under way. */
  readonly written?: Promise<void>
}

function start({ starts = [{}], failAt, written }: Given = {}): Rig {
  const log: string[] = []
  const note = (entry: string): Promise<void> => {
    log.push(entry)
    return entry === failAt ? Promise.reject(new Error('lost')) : Promise.resolve()
  }
  const writer = new TopicWriter(
    starts.map((one, partition) => ({ partition, position: 0, interrupted: null, ...one })),
    limits,
    {
      commit: (positions) =>
        note(
          `committed ${positions.map((one) => `${one.partition}:${one.offset} ${one.note}`.trim()).join(' and ')}`,
        ),
      write: async (records) => {
        await note(`wrote ${records.map((one) => `${one.partition}:${one.offset}`).join(' ')}`)
        await written
      },
      reread: async (parts: readonly BatchPart[]) => {
        await note(`read again ${parts.length}`)
        return parts.flatMap(({ partition, first, last }) =>
          [first, last].map((offset) => aRecord(offset, partition)),
        )
      },
      passOver: (hidden) =>
        note(
          `passed over ${hidden.map((one) => `${one.first}-${one.last} at ${one.timestampMs}`).join(', ')}`,
        ),
      pause: () => log.push('paused'),
      resume: () => log.push('resumed'),
      now: () => 0,
    },
  )
  const queue = (partition = 0): PartitionQueue => {
    const found = writer.queue(partition)
    if (found === undefined) throw new Error(`no partition ${partition}`)
    return found
  }
  const add = (what: Arrived, partition = 0): void => {
    const records = what.records.map((record) => ({ ...record, partition }))
    queue(partition).add({ ...what, records })
    writer.look()
  }
  return { writer, log, done: writer.run(), queue, add }
}

async function finish({ writer, done, log }: Rig, entries: number): Promise<void> {
  await until(
    () => log.length >= entries,
    () => JSON.stringify(log),
  )
  writer.end()
  await done
}

test('a batch is noted before it is written, and its offset committed after', async () => {
  const rig = start()
  rig.add(arrived(0, 1))
  await finish(rig, 3)
  expect(rig.log).toEqual(['committed 0:0 batch=0:0-1', 'wrote 0:0 0:1', 'committed 0:2'])
})

test('what waits in several partitions is one batch, noted beside each', async () => {
  const rig = start({ starts: [{}, { position: 7 }] })
  rig.queue(1).add({ ...arrived(7), records: [aRecord(7, 1)] })
  rig.add(arrived(0, 1))
  await finish(rig, 3)
  const note = 'batch=0:0-1,1:7-7'
  expect(rig.log).toEqual([
    `committed 0:0 ${note} and 1:7 ${note}`,
    'wrote 0:0 0:1 1:7',
    'committed 0:2 and 1:8',
  ])
})

test('with more to write the next note carries the position', async () => {
  const rig = start()
  rig.add(arrived(0, 1, 2, 3, 4))
  await finish(rig, 5)
  expect(rig.log).toEqual([
    'committed 0:0 batch=0:0-2',
    'wrote 0:0 0:1 0:2',
    'committed 0:3 batch=0:3-4',
    'wrote 0:3 0:4',
    'committed 0:5',
  ])
})

test('the next note carries the positions of partitions that have nothing more, too', async () => {
  let finishFirst: () => void = () => undefined
  const written = new Promise<void>((resolve) => (finishFirst = resolve))
  const rig = start({ starts: [{}, {}], written })
  rig.add(arrived(0))
  await until(() => rig.log.length === 2)
  rig.add(arrived(0), 1)
  finishFirst()
  await finish(rig, 5)
  expect(rig.log).toEqual([
    'committed 0:0 batch=0:0-0',
    'wrote 0:0',
    'committed 1:0 batch=1:0-0 and 0:1',
    'wrote 1:0',
    'committed 1:1',
  ])
})

test('a partition with a batch under way waits, and others do not wait for it', async () => {
  let finishWrites: () => void = () => undefined
  const written = new Promise<void>((resolve) => (finishWrites = resolve))
  const rig = start({ starts: [{}, {}], written })
  rig.add(arrived(0, 1, 2, 3, 4, 5))
  rig.add(arrived(0, 1, 2), 1)
  await until(() => rig.log.filter((entry) => entry.startsWith('wrote')).length === 2)
  expect(rig.queue(0).position).toBe(0)
  expect(rig.log.filter((entry) => entry.startsWith('wrote'))).toEqual([
    'wrote 0:0 0:1 0:2',
    'wrote 1:0 1:1 1:2',
  ])
  finishWrites()
  await until(() => rig.queue(0).position === 6)
  rig.writer.end()
  await rig.done
})

test('an interrupted batch is read again and written before anything else', async () => {
  const parts = [{ partition: 0, first: 5, last: 6 }]
  const rig = start({ starts: [{ position: 5, interrupted: parts }] })
  rig.add(arrived(5, 6, 7))
  expect(rig.queue().position).toBe(5)
  await finish(rig, 5)
  expect(rig.log).toEqual([
    'read again 1',
    'wrote 0:5 0:6',
    'committed 0:7 batch=0:7-7',
    'wrote 0:7',
    'committed 0:8',
  ])
})

test('an interrupted batch is written once with all its parts, those of partitions elsewhere included', async () => {
  const parts = [
    { partition: 0, first: 5, last: 6 },
    { partition: 1, first: 8, last: 9 },
    { partition: 4, first: 1, last: 2 },
  ]
  const rig = start({
    starts: [
      { position: 5, interrupted: parts },
      { position: 8, interrupted: parts },
      { position: 3, interrupted: [{ partition: 2, first: 3, last: 4 }] },
    ],
  })
  await finish(rig, 5)
  expect(rig.log).toEqual([
    'read again 3',
    'wrote 0:5 0:6 1:8 1:9 4:1 4:2',
    'read again 1',
    'wrote 2:3 2:4',
    'committed 0:7 and 1:10 and 2:5',
  ])
})

test('hidden records at the end are committed with the batch before them', async () => {
  const rig = start()
  rig.add({ records: [aRecord(0)], fetchedOffset: 0, lastOffset: 4, highWatermark: 5 })
  await finish(rig, 4)
  expect(rig.log).toEqual([
    'passed over 1-4 at 0',
    'committed 0:0 batch=0:0-0',
    'wrote 0:0',
    'committed 0:5',
  ])
})

test('offsets that hold nothing are passed over before a position beyond them is committed, what lies before a fetch never', async () => {
  const rig = start()
  rig.queue().hide({ first: 0, last: 1 })
  expect(rig.queue().position).toBe(2)
  const records = [5, 8].map((offset) => aRecord(offset))
  rig.add({ records, fetchedOffset: 4, lastOffset: 8, highWatermark: 10 })
  await finish(rig, 4)
  expect(rig.log).toEqual([
    'passed over 0-1 at 50, 4-4 at 50, 6-7 at 80',
    'committed 0:2 batch=0:5-8',
    'wrote 0:5 0:8',
    'committed 0:9',
  ])
})

test('what is hidden at the end moves the position on, and is passed over with the next record', async () => {
  const rig = start()
  rig.add(arrived(0))
  await until(() => rig.log.length === 3)
  rig.queue().hide({ first: 1, last: 1 })
  rig.queue().hide({ first: 7, last: 7 })
  expect(rig.queue().position).toBe(2)
  rig.add(arrived(2))
  await finish(rig, 7)
  expect(rig.log.slice(3)).toEqual([
    'passed over 1-1 at 20',
    'committed 0:2 batch=0:2-2',
    'wrote 0:2',
    'committed 0:3',
  ])
})

test('what is hidden while an interrupted batch is repeated does not move the position past it', () => {
  const parts = [{ partition: 0, first: 5, last: 6 }]
  const rig = start({ starts: [{ position: 5, interrupted: parts }] })
  rig.queue().hide({ first: 7, last: 7 })
  expect(rig.queue().position).toBe(5)
})

test('a record read twice is written once', async () => {
  const rig = start()
  rig.add(arrived(0, 1))
  rig.add(arrived(1, 2))
  await finish(rig, 3)
  expect(rig.log).toEqual(['committed 0:0 batch=0:0-2', 'wrote 0:0 0:1 0:2', 'committed 0:3'])
})

test('a partition that has more waiting than two batches is paused until it has caught up', async () => {
  const rig = start()
  rig.add(arrived(0, 1, 2, 3, 4, 5))
  await finish(rig, 7)
  expect(rig.log[0]).toBe('paused')
  expect(rig.log.filter((entry) => entry === 'resumed')).toHaveLength(1)
})

test.each(['committed 0:0 batch=0:0-1', 'wrote 0:0 0:1', 'committed 0:2'])(
  'a topic lost at "%s" is left alone from there on',
  async (failAt) => {
    const rig = start({ failAt })
    rig.add(arrived(0, 1))
    await expect(rig.done).rejects.toThrow('lost')
    rig.add(arrived(2))
    expect(rig.log.at(-1)).toBe(failAt)
  },
)
