import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openLmdbStore } from '../../services/stream-processor/lmdb-store'
import { fullKey, overlayOn, type EntryStore } from '../../services/stream-processor/overlay'
import { emptyMark, type PartitionStore } from '../../services/stream-processor/ports'
import { Disk } from '../simulation/disk'
import { MemoryPartitionStore } from '../support/memory-stage'

function storeOf(entries: ReadonlyMap<string, string>): EntryStore<string> {
  return {
    get: (key) => entries.get(key),
    *range(from, to, reverse) {
      const keys = [...entries.keys()].filter((key) => key >= from && key < to).sort()
      for (const key of reverse ? keys.reverse() : keys) yield [key, entries.get(key) ?? '']
    },
    near(node, { from, to, max }) {
      const found = [...this.range(fullKey(node, from), fullKey(node, to), false)]
      if (found.length > max) return null
      return new Map(
        found.map(([key, entry]) => [key.slice(node.length + 1), { read: () => entry }]),
      )
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
      fc.record({ from: key, to: key, max: fc.nat(7) }),
      (stored, changes, [from, to, reverse], near) => {
        const before = new Map(Object.entries(stored).map(([at, entry]) => [`n ${at}`, entry]))
        const after = new Map(before)
        const overlay = overlayOn(storeOf(before), [near.from, near.to], near.max)
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
        expect(overlay.getOf('n', to)).toBe(after.get(`n ${to}`))
      },
    ),
  )
})

const writeAnyway = { before: () => true, after: () => undefined }
/** Texts of which those of one length differ in order by code unit and by byte. */
const foreignKey = fc.string({
  unit: fc.constantFrom('a', 'b', 'é', '订', '\ue000', '～', '😀', '𠮷'),
  minLength: 1,
  maxLength: 3,
})

function reading(store: PartitionStore): Pick<EntryStore<Buffer>, 'get' | 'range'> {
  return {
    get: (key) => store.get(key),
    range: (from, to, reverse) => store.range(from, to, reverse),
  }
}

function fill(store: PartitionStore, keys: Iterable<string>): void {
  const entries = [...keys].map((one): [string, Buffer] => [`n ${one}`, Buffer.from(one)])
  const changes = { entries, from: null, mark: emptyMark, changelogNext: 0, schemaIds: [] }
  store.apply({ ...changes, purges: false })
}

test('entries come in one order from every store, changed or not, whatever script they are in', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-order-'))
  const lmdb = openLmdbStore({ directory, origin: 'x', maxAgeMs: 1, now: () => 0 })
  try {
    fc.assert(
      fc.property(fc.uniqueArray(foreignKey), fc.uniqueArray(foreignKey), (stored, changed) => {
        const stores = [lmdb, new MemoryPartitionStore(), new Disk().open('x', writeAnyway)]
        lmdb.clear()
        const [all, ...others] = stores.map((store) => {
          fill(store, stored)
          const overlay = overlayOn({ ...reading(store), near: () => null }, ['', ''])
          for (const one of changed) overlay.put('n', one, Buffer.from(one))
          const seen = [...overlay.rangeOf('n', { from: 'a', to: '\u{10ffff}', reverse: false })]
          const back = [...overlay.rangeOf('n', { from: 'a', to: '\u{10ffff}', reverse: true })]
          expect(back.map(([one]) => one).reverse()).toEqual(seen.map(([one]) => one))
          return seen.map(([one]) => one)
        })
        fill(lmdb, changed)
        const written = [...lmdb.range('n a', 'n \u{10ffff}', false)].map(([one]) => one.slice(2))
        expect(all).toEqual(written)
        for (const other of others) expect(other).toEqual(written)
      }),
    )
  } finally {
    await lmdb.close()
    rmSync(directory, { recursive: true })
  }
})
