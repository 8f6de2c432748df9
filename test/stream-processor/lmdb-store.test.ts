// What a store on the disk promises of what was deleted on request.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropUnusedStores, openLmdbStore } from '../../services/stream-processor/lmdb-store'
import { emptyMark, type PartitionStore } from '../../services/stream-processor/ports'

const person = 'phone:AbCdEfGhIjKlMnOpQrStUv'
const dayMs = 86_400_000

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-store-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

function openStore(origin = 'cluster/changelog/0'): PartitionStore {
  return openLmdbStore({ directory: join(directory, '0'), origin, maxAgeMs: dayMs, now: Date.now })
}

function apply(
  store: PartitionStore,
  entries: readonly [string, string | null][],
  purges = false,
): void {
  const changes = entries.map(([key, value]): [string, Buffer | null] => [
    key,
    value === null ? null : Buffer.from(value),
  ])
  const mark = { ...emptyMark, positions: { orders: 7 } }
  store.apply({ entries: changes, from: null, mark, changelogNext: 9, schemaIds: [1], purges })
}

/** Many others, so that pages are split and freed as in a store that lives. */
function others(from: number, to: number): [string, string][] {
  return Array.from({ length: to - from }, (_, at) => [`visitor:v${from + at} h`, 'x'.repeat(90)])
}

function isOnDisk(text: string): boolean {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  return files
    .filter((one) => one.isFile())
    .some((one) => readFileSync(join(one.parentPath, one.name)).includes(text))
}

function forgetPerson(store: PartitionStore): void {
  apply(store, [...others(0, 500), [`${person} h`, 'head'], [`visitor:v9 s|${person}`, 'noted']])
  apply(store, [['visitor:v9 h', `points to ${person}`]])
  apply(
    store,
    [
      ['visitor:v9 h', 'root'],
      [`visitor:v9 s|${person}`, null],
    ],
    true,
  )
  apply(store, [[`${person} h`, null]], true)
}

test('what was deleted on request is in no byte of the store once it was purged; all else is as it was', async () => {
  const store = openStore()
  forgetPerson(store)
  expect(isOnDisk(person)).toBe(true)
  expect(store.purgeDue()).toBe(true)
  await store.purge()
  expect(isOnDisk(person)).toBe(false)
  expect(store.purgeDue()).toBe(false)
  expect([...store.range(' ', '~', false)]).toHaveLength(500)
  expect(String(store.get('visitor:v9 h'))).toBe('root')
  expect([store.changelogNext(), store.mark().positions]).toEqual([9, { orders: 7 }])
  apply(store, [['visitor:later h', 'written after']])
  await store.close()
  const later = openStore()
  expect(String(later.get('visitor:later h'))).toBe('written after')
  expect(later.purgeDue()).toBe(false)
  await later.close()
})

test('nor does a key of theirs go on leading the way to keys of others', async () => {
  const store = openStore()
  // Between neighbours in the order of keys, so that a page begins with one that goes.
  const keys = Array.from({ length: 400 }, (_, at) => `phone:A${String(at).padStart(4, '0')}`)
  const theirs = keys.map((key) => `${key} s|${person}`)
  apply(
    store,
    [...keys, ...theirs].map((key) => [key, 'x'.repeat(40)]),
  )
  apply(
    store,
    theirs.map((key) => [key, null]),
    true,
  )
  await store.purge()
  expect(isOnDisk(person)).toBe(false)
  expect(store.size()).toBe(400)
  await store.close()
})

test('nor is it in the unused part of a page that others still live on', async () => {
  const store = openStore()
  apply(store, others(0, 5))
  apply(store, [[`${person} h`, 'head']])
  apply(store, [[`${person} h`, null]], true)
  expect(isOnDisk(person)).toBe(true)
  await store.purge()
  expect(isOnDisk(person)).toBe(false)
  expect(store.size()).toBe(5)
  await store.close()
})

test('what a purge that was cut off has left is gone with the next start', async () => {
  const store = openStore()
  await store.close()
  mkdirSync(join(directory, '0', 'copy'))
  writeFileSync(join(directory, '0', 'copy', 'data.mdb'), person)
  await openStore().close()
  expect(isOnDisk(person)).toBe(false)
})

test('a purge that is due is still due after a restart', async () => {
  const store = openStore()
  forgetPerson(store)
  await store.close()
  const later = openStore()
  expect(later.purgeDue()).toBe(true)
  await later.purge()
  expect(isOnDisk(person)).toBe(false)
  await later.close()
})

test('what other deletions leave in free pages is no reason to rewrite a store', async () => {
  const store = openStore()
  apply(store, others(0, 10))
  apply(store, [['visitor:v1 h', null]])
  expect(store.purgeDue()).toBe(false)
  await store.close()
})

test('a store that is a copy of another changelog is emptied, bytes and all', async () => {
  const store = openStore()
  forgetPerson(store)
  await store.close()
  const later = openStore('cluster/another/0')
  expect(later.size()).toBe(0)
  expect(later.purgeDue()).toBe(true)
  await later.purge()
  expect(isOnDisk('visitor:v')).toBe(false)
  await later.close()
})

test('a store nobody has used for long is removed; one in use or still warm is kept', async () => {
  await openStore().close()
  const data = join(directory, '0', 'data.mdb')
  const now = Date.now()
  dropUnusedStores(directory, new Set(), now - dayMs)
  utimesSync(data, new Date(now - 2 * dayMs), new Date(now - 2 * dayMs))
  dropUnusedStores(directory, new Set([0]), now - dayMs)
  expect(readdirSync(directory)).toEqual(['0'])
  dropUnusedStores(directory, new Set(), now - dayMs)
  expect(readdirSync(directory)).toEqual([])
})
