import { PartitionWriter } from '../../services/clickhouse-writer/partition-writer'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { until } from '../support/until'

const limits = { recordsMax: 3, bytesMax: 1_000, waitMs: 0 }

function aRecord(offset: number, bytes = 10): IncomingRecord {
  return {
    topic: 'touchpoints',
    partition: 0,
    offset,
    key: null,
    value: Buffer.alloc(bytes),
    headers: {},
    timestampMs: offset * 10,
  }
}

function arrived(...offsets: number[]): Parameters<PartitionWriter['add']>[0] {
  const lastOffset = offsets.at(-1) ?? 0
  return {
    records: offsets.map((offset) => aRecord(offset)),
    fetchedOffset: offsets[0] ?? 0,
    lastOffset,
    highWatermark: lastOffset + 1,
  }
}

interface Rig {
  readonly writer: PartitionWriter
  readonly log: string[]
  readonly done: Promise<void>
}

function start(
  given: { position?: number; interrupted?: number | null; failAt?: string } = {},
): Rig {
  const log: string[] = []
  const note = (entry: string): Promise<void> => {
    log.push(entry)
    return entry === given.failAt ? Promise.reject(new Error('lost')) : Promise.resolve()
  }
  const writer = new PartitionWriter(
    { position: given.position ?? 0, interrupted: given.interrupted ?? null },
    limits,
    {
      commit: (offset, text) => note(`committed ${offset} ${text}`.trim()),
      write: (records) => note(`wrote ${records.map(({ offset }) => offset).join(' ')}`),
      passOver: (hidden) =>
        note(
          `passed over ${hidden.map((one) => `${one.first}-${one.last} at ${one.timestampMs}`).join(', ')}`,
        ),
      pause: () => log.push('paused'),
      resume: () => log.push('resumed'),
      now: () => 0,
    },
  )
  return { writer, log, done: writer.run() }
}

async function finish({ writer, done, log }: Rig, entries: number): Promise<void> {
  await until(
    () => log.length >= entries,
    () => JSON.stringify(log),
  )
  writer.end()
  await done
}

test('the end of a batch is noted before it is written, and its offset committed after', async () => {
  const rig = start()
  rig.writer.add(arrived(0, 1))
  await finish(rig, 3)
  expect(rig.log).toEqual(['committed 0 last=1', 'wrote 0 1', 'committed 2'])
})

test('with more to write the next note carries the position', async () => {
  const rig = start()
  rig.writer.add(arrived(0, 1, 2, 3, 4))
  await finish(rig, 5)
  expect(rig.log).toEqual([
    'committed 0 last=2',
    'wrote 0 1 2',
    'committed 3 last=4',
    'wrote 3 4',
    'committed 5',
  ])
})

test('an interrupted batch is rebuilt to its end before anything else', async () => {
  const rig = start({ position: 5, interrupted: 6 })
  rig.writer.add(arrived(5, 6, 7))
  await finish(rig, 4)
  expect(rig.log).toEqual(['wrote 5 6', 'committed 7 last=7', 'wrote 7', 'committed 8'])
})

test('an interrupted batch waits for all of its records, even beyond the limits of a batch', async () => {
  const rig = start({ position: 5, interrupted: 9 })
  rig.writer.add(arrived(5, 6))
  rig.writer.add(arrived(7, 8, 9))
  await finish(rig, 2)
  expect(rig.log).toEqual(['wrote 5 6 7 8 9', 'committed 10'])
})

test('an interrupted batch of which nothing is left is passed over', async () => {
  const rig = start({ position: 5, interrupted: 6 })
  rig.writer.add(arrived(8))
  await finish(rig, 3)
  expect(rig.log).toEqual(['committed 8 last=8', 'wrote 8', 'committed 9'])
})

test('hidden records at the end are committed with the batch before them', async () => {
  const rig = start()
  rig.writer.add({ records: [aRecord(0)], fetchedOffset: 0, lastOffset: 4, highWatermark: 5 })
  await finish(rig, 4)
  expect(rig.log).toEqual(['passed over 1-4 at 0', 'committed 0 last=0', 'wrote 0', 'committed 5'])
})

test('offsets that hold nothing are passed over before a position beyond them is committed, what lies before a fetch never', async () => {
  const rig = start()
  rig.writer.hide({ first: 0, last: 1 })
  expect(rig.writer.position).toBe(2)
  const records = [5, 8].map((offset) => aRecord(offset))
  rig.writer.add({ records, fetchedOffset: 4, lastOffset: 8, highWatermark: 10 })
  await finish(rig, 4)
  expect(rig.log).toEqual([
    'passed over 0-1 at 50, 4-4 at 50, 6-7 at 80',
    'committed 2 last=8',
    'wrote 5 8',
    'committed 9',
  ])
})

test('what is hidden at the end moves the position on, and is passed over with the next record', async () => {
  const rig = start()
  rig.writer.add(arrived(0))
  await until(() => rig.log.length === 3)
  rig.writer.hide({ first: 1, last: 1 })
  rig.writer.hide({ first: 7, last: 7 })
  expect(rig.writer.position).toBe(2)
  rig.writer.add(arrived(2))
  await finish(rig, 7)
  expect(rig.log.slice(3)).toEqual([
    'passed over 1-1 at 20',
    'committed 2 last=2',
    'wrote 2',
    'committed 3',
  ])
})

test('a record read twice is written once', async () => {
  const rig = start()
  rig.writer.add(arrived(0, 1))
  rig.writer.add(arrived(1, 2))
  await finish(rig, 3)
  expect(rig.log).toEqual(['committed 0 last=2', 'wrote 0 1 2', 'committed 3'])
})

test('a partition that has more waiting than two batches is paused until it has caught up', async () => {
  const rig = start()
  rig.writer.add(arrived(0, 1, 2, 3, 4, 5))
  await finish(rig, 7)
  expect(rig.log[0]).toBe('paused')
  expect(rig.log.filter((entry) => entry === 'resumed')).toHaveLength(1)
})

test.each(['committed 0 last=1', 'wrote 0 1', 'committed 2'])(
  'a partition lost at "%s" is left alone from there on',
  async (failAt) => {
    const rig = start({ failAt })
    rig.writer.add(arrived(0, 1))
    await expect(rig.done).rejects.toThrow('lost')
    rig.writer.add(arrived(2))
    expect(rig.log.at(-1)).toBe(failAt)
  },
)
