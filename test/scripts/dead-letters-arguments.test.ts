import { readArguments } from '../../scripts/dead-letters/arguments'

const nowMs = Date.UTC(2026, 10, 23, 12)
const read = (line: string) => readArguments(line === '' ? [] : line.split(' '), nowMs)

test('filters of list are read, times as UTC or as so long ago', () => {
  const { filter, limit } = read(
    'list --topic orders --reason crashed --since 2026-11-23T08:00 --until 90m --limit 5',
  )
  expect(filter).toMatchObject({ topic: 'orders', reason: 'crashed', stage: null })
  expect([filter.sinceMs, filter.untilMs]).toEqual([nowMs - 4 * 3_600_000, nowMs - 90 * 60_000])
  expect(limit).toBe(5)
})

test('the reason of a drop is why, not a filter', () => {
  const asked = readArguments(['drop', 'a', 'b', '--reason', 'a test of ours'], nowMs)
  expect(asked).toMatchObject({ ids: ['a', 'b'], why: 'a test of ours', filtered: false })
  expect(asked.filter.reason).toBeNull()
})

test.each([
  ['', /^usage/],
  ['bury', /^usage/],
  ['show', /one id/],
  ['list x', /list takes filters/],
  ['replay', /replay what/],
  ['replay x --topic orders', /not both/],
  ['drop --reason because', /drop takes ids/],
  ['drop x', /say why/],
  ['drop x --again --reason because', /knows no --again/],
  ['list --yes', /knows no --yes/],
  ['list --colour', /colour/],
  ['list --since yesterday', /--since yesterday: say a time/],
  ['list --limit 0', /--limit 0: must be/],
  ['replay x --per-second none', /--per-second none/],
])('%s is refused in words', (line, words) => {
  expect(() => read(line)).toThrow(words)
})
