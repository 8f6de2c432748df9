import { emptyMark } from '../../services/stream-processor/ports'
import { StateWalk } from '../../services/stream-processor/state-walk'
import { MemoryPartitionStore } from '../support/memory-stage'

const roundMs = 1_000

function walkOver(entries: number): (nowMs: number) => string[] | null {
  return walkOf(entries).step
}

function walkOf(entries: number) {
  const store = new MemoryPartitionStore()
  store.apply({
    entries: Array.from({ length: entries }, (_, at) => [`n${String(at)} h`, Buffer.from('x')]),
    ...{ from: null, mark: emptyMark, changelogNext: 1, schemaIds: [], purges: false },
  })
  const walk = new StateWalk({ stepEntriesMax: 2, roundMs })
  const step = (nowMs: number): string[] | null => {
    const found = walk.step(store, nowMs)
    return found === null ? null : [...found.nodes]
  }
  return { walk, step }
}

test('a round is followed by the next when its time has come', () => {
  const step = walkOver(3)
  expect([step(0), step(1), step(2), step(999), step(1_000)]).toEqual([
    ...[['n0', 'n1'], ['n2'], null, null],
    ['n0', 'n1'],
  ])
})

test('a round that is hastened begins at once where none is under way', () => {
  const { walk, step } = walkOf(1)
  expect([step(0), step(1)]).toEqual([['n0'], null])
  walk.hasten()
  expect([step(2), step(3)]).toEqual([['n0'], null])
})

test('a round under way is not begun anew, but followed at once by a whole one', () => {
  const { walk, step } = walkOf(3)
  expect(step(0)).toEqual(['n0', 'n1'])
  walk.hasten()
  expect([step(1), step(2), step(3), step(4)]).toEqual([['n2'], ['n0', 'n1'], ['n2'], null])
})
