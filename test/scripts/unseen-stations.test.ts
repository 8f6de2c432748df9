import { unseenStations } from '../../scripts/ledger/unseen-stations'
import type { Difference, Look } from '../../services/runtime/ledger-look'

const minuteMs = 60_000
const at = Date.UTC(2026, 10, 23, 20)

interface Seen {
  readonly collector?: number
  readonly gateway?: number
  readonly topic?: number
  readonly census?: number
  readonly roundMs?: number
  readonly erp?: number
  readonly onDisk?: readonly Difference[]
}

/** Minutes ago at which each station was seen last; by default a moment. */
function aLook(seen: Seen): Look {
  const ago = (minutes = 0): number => (minutes === Infinity ? 0 : at - minutes * minuteMs)
  return {
    ...{ at, since: 0, differences: [], questions: [], onDisk: seen.onDisk ?? [] },
    marks: {
      ...{ now: at, disks: [], askedAt: () => 0 },
      toldAt: (kind) => ago(kind === 'order' ? seen.gateway : seen.collector),
      topicReadUntil: () => ago(seen.topic),
      erpReadAt: ago(seen.erp),
      census: {
        ...{ rounds: [], listedSince: 0, countedFrom: ago(seen.census) },
        roundMs: seen.roundMs ?? minuteMs,
      },
    },
  }
}

const stopped = (seen: Seen): string[] =>
  unseenStations(aLook(seen), 5 * minuteMs)
    .filter(({ never }) => !never)
    .map(({ text }) => text)

test('where every station has told of late none is unseen', () => {
  const usual = { collector: 6, gateway: 6, topic: 5, census: 8, erp: 19 }
  expect(unseenStations(aLook(usual), 5 * minuteMs)).toEqual([])
})

test.each([
  ['collector', /^accepted: no collector has told since 2026-11-23T17:00/],
  ['gateway', /^accepted: no order-gateway has told since/],
  ['topic', /^topic: clickhouse-writer has not read it to its end since/],
  ['census', /^attributed: stream-processor has not counted its state twice since/],
  ['erp', /^erp: erp-sink has not read it since/],
])('a station that stopped hours ago is named: %s', (station, words) => {
  expect(stopped({ [station]: 180 })).toEqual([expect.stringMatching(words)])
})

test('a state that takes long to count is given the time', () => {
  expect(stopped({ census: 60, roundMs: 30 * minuteMs })).toEqual([])
})

test('what an installation does without is said, and is not taken for a station that stopped', () => {
  const without = aLook({ collector: Infinity, gateway: Infinity, census: Infinity, erp: Infinity })
  const unseen = unseenStations(without, 5 * minuteMs)
  expect(unseen.map(({ never }) => never)).toEqual([true, true, true, true])
  expect(unseen[3]?.text).toBe('erp: erp-sink has not read it yet')
})

test('a topic nobody has ever read makes the look worth nothing', () => {
  expect(stopped({ topic: Infinity })).toHaveLength(1)
})
