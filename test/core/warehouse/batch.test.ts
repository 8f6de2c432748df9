import {
  batchLengths,
  noteText,
  partitionsPerBatchMax,
  partsFrom,
  waitBeforeBatchMs,
  type Waiting,
} from '../../../services/core/warehouse/batch'

const limits = { recordsMax: 4, bytesMax: 100, waitMs: 200 }
const waiting: Waiting = {
  records: 1,
  bytes: 10,
  sinceMs: 1_000,
  caughtUp: true,
  underWay: false,
  lastBatchAtMs: 0,
}

function sized(...bytes: number[]): { bytes: number }[] {
  return bytes.map((size) => ({ bytes: size }))
}

test.each<[string, Partial<Waiting>, number]>([
  ['nothing to write is waited for without end', { records: 0 }, Infinity],
  ['a lone record goes out at once', {}, 0],
  ['a topic writes one batch per wait time', { lastBatchAtMs: 950 }, 150],
  ['more to come is waited for', { caughtUp: false }, 200],
  ['what comes in beside a batch under way gathers', { underWay: true }, Infinity],
  ['a full batch goes out beside another one', { underWay: true, records: 4 }, 0],
  ['a full batch by records goes out at once', { records: 4, lastBatchAtMs: 999 }, 0],
  ['a full batch by bytes goes out at once', { bytes: 100, lastBatchAtMs: 999 }, 0],
])('%s', (_fact, given, waitMs) => {
  expect(waitBeforeBatchMs({ ...waiting, ...given }, limits, 1_000)).toBe(waitMs)
})

test.each([
  ['all that waits in one partition', [[10, 10]], [2]],
  ['all that waits in all partitions', [[10], [10, 10]], [1, 2]],
  ['no more than the most records', [[1, 1, 1], [1, 1, 1], [1]], [3, 1, 0]],
  ['no more than the most bytes', [[60], [40, 1], [1]], [1, 1, 0]],
  ['a record too large for any batch, alone', [[500, 1], [1]], [1, 0]],
])('a batch takes %s', (_what, queues, lengths) => {
  const waiting = queues.map((sizes) => sized(...sizes))
  expect(batchLengths(waiting, { ...limits, recordsMax: 4 })).toEqual(lengths)
})

test('a batch has no more partitions than a note has room for', () => {
  const waiting = Array.from({ length: partitionsPerBatchMax + 1 }, () => sized(0))
  const lengths = batchLengths(waiting, { ...limits, recordsMax: 1_000 })
  expect(lengths).toHaveLength(partitionsPerBatchMax)
  const widest = { partition: 999_999_999, first: 10 ** 15 - 1, last: 10 ** 15 - 1 }
  // What a broker takes by default: offset.metadata.max.bytes.
  expect(noteText(lengths.map(() => widest)).length).toBeLessThanOrEqual(4_096)
})

test('the note beside a committed offset is read back as it was written', () => {
  const parts = [
    { partition: 0, first: 123_456_789_012, last: 123_456_789_099 },
    { partition: 11, first: 5, last: 5 },
  ]
  expect(partsFrom(noteText(parts))).toEqual(parts)
})

test.each(['', 'batch=', 'batch=1', 'batch=1:2-3,', 'batch=1:-2-3', 'batch=1:2-3x', 'last=5'])(
  '%j notes no batch',
  (text) => {
    expect(partsFrom(text)).toBeNull()
  },
)
