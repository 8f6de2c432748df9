import fc from 'fast-check'
import { overlayOn, type EntryStore } from '../../services/stream-processor/overlay'

function storeOf(entries: ReadonlyMap<string, string>): EntryStore<string> {
  return {
    get: (key) => entries.get(key),
    *range(from, to, reverse) {
      const keys = [...entries.keys()].filter((key) => key >= from && key < to).sort()
      for (const key of reverse ? keys.reverse() : keys) yield [key, entries.get(key) ?? '']
    },
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')

test('reading through the overlay is reading a store to which the changes were made', () => {
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.string()),
      fc.array(fc.tuple(key, fc.option(fc.string()))),
      fc.tuple(key, key, fc.boolean()),
      (stored, changes, [from, to, reverse]) => {
        const before = new Map(Object.entries(stored).map(([at, entry]) => [`n ${at}`, entry]))
        const after = new Map(before)
        const overlay = overlayOn(storeOf(before))
        for (const [at, entry] of changes) {
          if (entry === null) {
            overlay.remove('n', at)
            after.delete(`n ${at}`)
          } else {
            overlay.put('n', at, entry)
            after.set(`n ${at}`, entry)
          }
        }
        const expected = [...storeOf(after).range(`n ${from}`, `n ${to}`, reverse)]
        expect([...overlay.rangeOf('n', { from, to, reverse })]).toEqual(
          expected.map(([full, entry]) => [full.slice(2), entry]),
        )
        expect(overlay.getOf('n', from)).toBe(after.get(`n ${from}`))
      },
    ),
  )
})
