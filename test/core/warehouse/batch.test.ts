import {
  batchLength,
  boundaryFrom,
  boundaryText,
  interruptedLength,
  waitBeforeBatchMs,
  type Waiting,
} from '../../../services/core/warehouse/batch'

const limits = { recordsMax: 4, bytesMax: 100, waitMs: 200 }
const waiting: Waiting = {
  records: 1,
  bytes: 10,
  sinceMs: 1_000,
  caughtUp: true,
  lastBatchAtMs: 0,
}

function records(...bytes: number[]): { offset: number; bytes: number }[] {
  return bytes.map((size, index) => ({ offset: 10 + index, bytes: size }))
}

test.each<[string, Partial<Waiting>, number]>([
  ['nothing to write is waited for without end', { records: 0 }, Infinity],
  ['a lone record goes out at once', {}, 0],
  ['a partition writes one batch per wait time', { lastBatchAtMs: 950 }, 150],
  ['more to come is waited for', { caughtUp: false }, 200],
  ['a full batch by records goes out at once', { records: 4, lastBatchAtMs: 999 }, 0],
  ['a full batch by bytes goes out at once', { bytes: 100, lastBatchAtMs: 999 }, 0],
])('%s', (_fact, given, waitMs) => {
  expect(waitBeforeBatchMs({ ...waiting, ...given }, limits, 1_000)).toBe(waitMs)
})

test.each([
  ['all that waits', [10, 10], 2],
  ['no more than the most records', [1, 1, 1, 1, 1, 1], 4],
  ['no more than the most bytes', [60, 40, 1], 2],
  ['a record too large for any batch, alone', [500, 1], 1],
])('a batch takes %s', (_what, sizes, length) => {
  expect(batchLength(records(...sizes), limits)).toBe(length)
})

test('the note beside a committed offset is read back as it was written', () => {
  expect(boundaryFrom(boundaryText(123_456_789_012))).toBe(123_456_789_012)
})

test.each(['', 'last=', 'last=-1', 'last=1x', 'something else'])('%j notes no batch', (text) => {
  expect(boundaryFrom(text)).toBeNull()
})

test('an interrupted batch ends where it ended, however many records wait now', () => {
  expect(interruptedLength(records(1, 1, 1, 1, 1, 1), 15, 12)).toBe(3)
})

test('an interrupted batch is not written before its end was read', () => {
  expect(interruptedLength(records(1, 1), 11, 12)).toBeNull()
})

test('an interrupted batch whose last records were compacted away ends where they stood', () => {
  expect(interruptedLength(records(1, 1), 12, 12)).toBe(2)
  expect(interruptedLength([{ offset: 20, bytes: 1 }], 20, 12)).toBe(0)
})
