import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { purgeSpool } from '../../services/runtime/purge-spool'
import { aRecord } from './a-record'
import { drain, openTestSpool, spoolDirectory, valueOf } from './open-spool'

const forgotten = 'phone:0123456789abcdef'

function everyByteIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('')
}

test('no byte of a forgotten person stays in the spool, and nobody else is missing', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory, { segmentBytes: 300 })
  await spool.append([aRecord(1), aRecord(2, { key: forgotten })])
  await spool.append([aRecord(3, { value: Buffer.from(`seen with ${forgotten}`) })])
  for (const name of [4, 5, 6]) await spool.append([aRecord(name)])
  await spool.close()
  expect(everyByteIn(directory)).toContain(forgotten)
  expect(await purgeSpool(directory, [forgotten])).toEqual({
    ...{ records: 2, quarantined: 0, running: false },
  })
  expect(everyByteIn(directory)).not.toContain(forgotten)
  const { spool: later } = await openTestSpool(directory)
  expect((await drain(later)).map(({ key }) => key)).toEqual(
    [1, 4, 5, 6].map((name) => `key-${name}`),
  )
})

test('damaged bytes that name a forgotten person go as a whole', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  await spool.append([aRecord(1)])
  await spool.append([aRecord(2, { key: forgotten })])
  await spool.append([aRecord(3)])
  await spool.close()
  const name = readdirSync(directory).find((file) => file.endsWith('.spool')) ?? ''
  const bytes = readFileSync(join(directory, name))
  bytes[bytes.indexOf('value of 2')] = 0
  writeFileSync(join(directory, name), bytes)
  const { spool: damaged, metrics } = await openTestSpool(directory)
  await damaged.oldest()
  expect(await valueOf(metrics, 'spool_damaged_total')).toBe(1)
  await damaged.close()
  await purgeSpool(directory, [forgotten])
  expect(readdirSync(join(directory, 'quarantine'))).toEqual([])
  expect(everyByteIn(directory)).not.toContain(forgotten)
})

test('a running edge keeps its records, and nothing of a forgotten person among what it has put aside', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  await spool.append([aRecord(1, { key: forgotten })])
  const quarantine = join(directory, 'quarantine')
  mkdirSync(quarantine)
  writeFileSync(join(quarantine, 'damaged'), `half of ${forgotten} is left`)
  writeFileSync(join(quarantine, 'of-somebody-else'), 'phone:else')
  expect(await purgeSpool(directory, [forgotten])).toEqual({
    ...{ records: 0, quarantined: 1, running: true },
  })
  expect(readdirSync(quarantine)).toEqual(['of-somebody-else'])
  expect(await drain(spool)).toHaveLength(1)
})

test('what a purge that was killed has left behind goes with the next', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  await spool.append([aRecord(1)])
  await spool.close()
  writeFileSync(join(directory, '000000000000001.spool.new'), `cut off before ${forgotten}`)
  await purgeSpool(directory, [forgotten])
  expect(everyByteIn(directory)).not.toContain(forgotten)
  const { spool: later } = await openTestSpool(directory)
  expect(await drain(later)).toHaveLength(1)
})
