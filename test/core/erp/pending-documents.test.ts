import fc from 'fast-check'
import { PendingDocuments } from '../../../services/core/erp/pending-documents'

function aRecord(offset: number, changes: { version?: number; atMs?: number } = {}) {
  const version = changes.version ?? offset
  return { value: `v${version}`, version, offset, atMs: changes.atMs ?? 0 }
}

test('several versions within the settle time are delivered once, as the newest', () => {
  const pending = new PendingDocuments<string>(30_000)
  pending.add('a', aRecord(0))
  pending.add('a', aRecord(1, { atMs: 29_000 }))
  expect(pending.due(29_999, 10)).toEqual([])
  expect(pending.due(30_000, 10)).toMatchObject([{ key: 'a', value: 'v1', lastOffset: 1 }])
})

test('a lower version that comes later does not replace a higher one', () => {
  const pending = new PendingDocuments<string>(0)
  pending.add('a', aRecord(0, { version: 7 }))
  pending.add('a', aRecord(1, { version: 3 }))
  expect(pending.due(0, 10)).toMatchObject([{ value: 'v7', version: 7 }])
})

test('nothing is committed beyond an order that is still owed', () => {
  const pending = new PendingDocuments<string>(0)
  expect(pending.commitOffset()).toBeNull()
  pending.add('a', aRecord(5))
  pending.add('b', aRecord(6))
  pending.readTo(9)
  expect(pending.commitOffset()).toBe(5)
  pending.settled('a', { lastOffset: 5, nowMs: 0 })
  expect(pending.commitOffset()).toBe(6)
  pending.settled('b', { lastOffset: 6, nowMs: 0 })
  expect(pending.commitOffset()).toBe(9)
})

test('a version that came while an older one was delivered stays owed', () => {
  const pending = new PendingDocuments<string>(1_000)
  pending.add('a', aRecord(0))
  const [first] = pending.due(1_000, 1)
  pending.add('a', aRecord(1))
  pending.settled('a', { lastOffset: first?.lastOffset ?? -1, nowMs: 1_500 })
  expect(pending.due(2_000, 10)).toEqual([])
  expect(pending.due(2_500, 10)).toMatchObject([{ value: 'v1' }])
  expect(pending.commitOffset()).toBe(1)
})

test('in any course of events every order ends with its newest version and all is committed', () => {
  const event = fc.oneof(
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), version: fc.nat(20) }),
    fc.constant('deliver' as const),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const pending = new PendingDocuments<string>(0)
      const newest = new Map<string, number>()
      const delivered = new Map<string, number>()
      let offset = 0
      const deliver = (): void => {
        for (const { key, version, lastOffset } of pending.due(0, 2)) {
          delivered.set(key, Math.max(version, delivered.get(key) ?? 0))
          pending.settled(key, { lastOffset, nowMs: 0 })
        }
      }
      for (const one of events) {
        if (one === 'deliver') {
          deliver()
          continue
        }
        newest.set(one.key, Math.max(one.version, newest.get(one.key) ?? 0))
        pending.add(one.key, aRecord(offset, { version: one.version }))
        offset += 1
      }
      while (pending.size > 0) deliver()
      expect(delivered).toEqual(newest)
      expect(pending.commitOffset()).toBe(offset === 0 ? null : offset)
    }),
  )
})
