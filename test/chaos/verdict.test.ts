// What makes a run of chaos a failure.
import { ledgerFaults } from '../../scripts/chaos/ledger-faults'
import { failuresOf, markdownOf, type Report } from '../../scripts/chaos/report'
import type { Difference, Look } from '../../services/runtime/ledger-look'

type Run = Report['runs'][number]

function aReport(faults: Run['faults']): Report {
  const run: Run = {
    ...{ name: 'broker', faults, deaths: [], clientRetries: 0, requests: 10, seconds: 1 },
    ...{ digests: [], differences: [], restSeconds: 1, query: '' },
  }
  return {
    ...{ seed: 1, began: '', seconds: 1, machine: '', versions: {}, broken: '', runs: [run] },
    load: { touchpoints: 1, orders: 1, sales: 1, requests: 2 },
    undisturbed: { seconds: 1, failures: [], summary: {} },
    bounds: { tablesMs: 1, erpMs: 1 },
  }
}

function aFault(unmet: readonly string[]): Run['faults'][number] {
  return {
    ...{ faults: ['erp-slow'], says: ['slow'], atRequest: 1, injectedSeconds: 1, healedSeconds: 2 },
    ...{ met: unmet.length === 0 ? 3 : 0, unmet },
    recovery: { tablesMs: 1, erpMs: 1, missing: [] },
  }
}

test('a fault that nobody met is no fault survived', () => {
  expect(failuresOf(aReport([aFault([])]))).toEqual([])
  const report = aReport([aFault(['erp-slow'])])
  expect(failuresOf(report)).toEqual(['broker: nobody met erp-slow, so it says nothing'])
  expect(markdownOf(report)).toContain('**nobody met erp-slow**')
})

/** A look at a ledger whose stations looked at these times, by default at the same. */
function aLook(at: { readonly census?: number; readonly erp?: number } = {}): Look {
  return {
    ...{ at: 100, since: 0, differences: [], onDisk: [], questions: [] },
    marks: {
      ...{ now: 100, disks: [], erpReadAt: at.erp ?? 100, askedAt: () => 0 },
      ...{ toldAt: () => 100, topicReadUntil: () => 100 },
      census: { rounds: [], countedFrom: at.census ?? 100, listedSince: 0, roundMs: 1 },
    },
  }
}

test('a ledger that some station did not look for proves nothing', () => {
  expect(ledgerFaults(aLook(), 100)).toEqual([])
  expect(ledgerFaults(aLook({ census: 0, erp: 99 }), 100)).toEqual([
    'ledger, station attributed: it has not looked since the run came to rest',
    'ledger, station erp: it has not looked since the run came to rest',
  ])
})

test('what the ledger cannot explain, and what is left on a disk, is said with an example', () => {
  const one: Difference = {
    ...{
      kind: 'order',
      source: 'main',
      minute: 0,
      records: 2,
      ids: ['a', 'b'],
      seenAt: 'accepted',
    },
    ...{ station: 'topic', fault: 'missing', dueAt: 0, overdueMs: 1 },
  }
  const look = {
    ...aLook(),
    differences: [one],
    onDisk: [{ ...one, fault: 'waiting' }],
  }
  expect(ledgerFaults(look, 100)).toEqual([
    'ledger, station topic: 2 records of order main missing, for example a, b',
    'ledger, station topic: 2 records of order main waiting, for example a, b',
  ])
})
