import { createCensusTally } from '../../../services/core/ledger/census-tally'
import { createNodeRecords } from '../../../services/core/ledger/node-records'
import { addToDigest, hashId } from '../../../services/core/ledger/hash-id'
import { tallyOf, type LedgerRecord } from '../../../services/core/ledger/tally'
import { entryOf } from '../../../services/core/identity/journey-state'
import { anOrder, aTouchpoint, evening, hourMs, minuteMs } from '../../given'

function aRecord(given: Partial<LedgerRecord> = {}): LedgerRecord {
  return { kind: 'touchpoint', source: 'web', id: 'a', acceptedAt: evening, ...given }
}

test('records are counted by kind, source and minute of acceptance', () => {
  const tally = createCensusTally(evening, [])
  tally.add(aRecord())
  tally.add(aRecord({ id: 'b', acceptedAt: evening + 59_999 }))
  tally.add(aRecord({ id: 'c', acceptedAt: evening + minuteMs }))
  tally.add(aRecord({ kind: 'order' }))
  expect(tally.entries()).toEqual([
    {
      ...{ kind: 'touchpoint', source: 'web', minute: evening, records: 2, hashes: null },
      digest: addToDigest(hashId('a'), hashId('b')),
    },
    {
      ...{ kind: 'touchpoint', source: 'web', minute: evening + minuteMs, records: 1 },
      ...{ digest: hashId('c'), hashes: null },
    },
    {
      ...{ kind: 'order', source: 'web', minute: evening, records: 1, hashes: null },
      digest: hashId('a'),
    },
  ])
})

test('a minute that was asked for is listed, and what is older than two days left out', () => {
  const tally = createCensusTally(evening, [{ kind: 'touchpoint', source: 'web', minute: evening }])
  tally.add(aRecord())
  tally.add(aRecord({ acceptedAt: evening - 49 * hourMs }))
  expect(tally.entries()).toMatchObject([{ minute: evening, hashes: [hashId('a')] }])
})

test('of the state the touches and orders are in the ledger, and nothing else', () => {
  const order = anOrder({ source: 'gateway' })
  const orderEntry = {
    ...{ order, identifiers: [], version: 0, digest: '', credits: [], emitted: null },
    ...{ frozen: null, nameless: false, told: {}, trained: {} },
  }
  expect(tallyOf(entryOf({ touch: aTouchpoint({ id: 'a', accepted_at: 1 }) }))).toEqual({
    ...{ kind: 'touchpoint', source: 'web', id: 'a', acceptedAt: 1 },
  })
  expect(tallyOf(entryOf({ order: orderEntry }))).toEqual({
    ...{ kind: 'order', source: 'gateway', id: order.order_key, acceptedAt: order.accepted_at },
  })
  expect(tallyOf(entryOf({ noted: true }))).toBeNull()
})

test('a touch that a node keeps twice counts once, in the minute it was accepted in first', () => {
  const node = createNodeRecords()
  node.add(aRecord({ acceptedAt: evening + minuteMs }))
  node.add(aRecord())
  node.add(aRecord({ source: 'rooms', acceptedAt: evening + minuteMs }))
  expect(node.take()).toEqual([
    aRecord(),
    aRecord({ source: 'rooms', acceptedAt: evening + minuteMs }),
  ])
  expect(node.take()).toEqual([])
})
