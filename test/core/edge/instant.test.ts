import { readInstant } from '../../../services/core/edge/instant'

test.each([
  [1_767_225_600_000, 1_767_225_600_000],
  ['2026-01-01T00:00:00Z', 1_767_225_600_000],
  ['2026-01-01T08:00:00+08:00', 1_767_225_600_000],
  ['2026-01-01T00:00:00.250Z', 1_767_225_600_250],
  ['2026-01-01T00:00Z', 1_767_225_600_000],
])('%j is an instant', (value, ms) => {
  expect(readInstant(value)).toEqual({ ms })
})

test.each([
  ['2026-01-01T00:00:00', 'zone'],
  ['2026-01-01', 'zone'],
  ['2026-02-31T00:00:00Z', 'no date'],
  ['2026-13-01T00:00:00Z', 'no date'],
  ['1970-01-01T00:00:00+08:00', 'before 1970'],
  ['1767225600000', 'ISO 8601'],
  ['', 'ISO 8601'],
  [1_767_225_600, 'not seconds'],
  [1.5, 'whole'],
  [-1, 'whole'],
  [9e15, 'future'],
  [Number.NaN, 'whole'],
  [true, 'ISO 8601'],
  [{}, 'ISO 8601'],
])('%j is none', (value, words) => {
  expect(readInstant(value)).toEqual({ fault: expect.stringContaining(words) as string })
})
