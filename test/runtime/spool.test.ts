import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { SetupError } from '../../services/runtime/errors'
import { processIdentity } from '../../services/runtime/process-identity'
import { frameOf, readFrames } from '../../services/runtime/spool-frame'
import { until } from '../support/until'
import { aRecord } from './a-record'
import { drain, openTestSpool, spoolDirectory, valueOf } from './open-spool'
import { endSpoolingProcesses, startSpoolingProcess } from './spooling-process'

afterEach(endSpoolingProcesses)

function segmentsIn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.spool'))
  return names.sort().map((name) => join(directory, name))
}

function onlySegmentIn(directory: string): string {
  const [path, ...others] = segmentsIn(directory)
  if (path === undefined || others.length > 0) throw new Error(`not one segment in ${directory}`)
  return path
}

test('what was spooled comes out as it went in, in order, by another process too', async () => {
  const directory = spoolDirectory()
  const records = [
    aRecord(1, { headers: { 'tributary-edge': 'boot:1' } }),
    aRecord(2, { key: '键', value: Buffer.from([0, 255, 10]) }),
    aRecord(3, { schema: 's2' }),
  ]
  const first = await openTestSpool(directory)
  for (const record of records) await first.spool.append([record])
  await first.spool.close()
  const second = await openTestSpool(directory)
  expect(second.spool.records()).toBe(3)
  expect(await drain(second.spool)).toMatchObject(records)
  expect(segmentsIn(directory)).toEqual([])
  expect(second.spool.bytes()).toBe(0)
})

test('many callers share one flush, and none is told before its own', async () => {
  const directory = spoolDirectory()
  const { spool, metrics } = await openTestSpool(directory)
  const bytesWhenTold: number[] = []
  const append = async (name: number): Promise<void> => {
    await spool.append([aRecord(name)])
    bytesWhenTold.push(readFrames(readFileSync(onlySegmentIn(directory))).records.length)
  }
  await Promise.all(Array.from({ length: 200 }, (_, name) => append(name)))
  expect(Math.min(...bytesWhenTold)).toBeGreaterThanOrEqual(1)
  expect(bytesWhenTold.at(-1)).toBe(200)
  // The first goes alone, the others meanwhile gather.
  expect(await valueOf(metrics, 'spool_fsync_seconds')).toBe(2)
})

test('a full spool takes no more, and takes again once Kafka has what it held', async () => {
  const { spool, metrics } = await openTestSpool(spoolDirectory(), { bytesMax: 1_000 })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, name) => spool.append([aRecord(name)])),
  )
  const taken = outcomes.filter(({ status }) => status === 'fulfilled').length
  expect(taken).toBeGreaterThan(5)
  expect(taken).toBeLessThan(20)
  await expect(spool.append([aRecord('more')])).rejects.toThrow(/^spool: full: \d+ of 1000 bytes/)
  expect(await valueOf(metrics, 'spool_bytes')).toBeLessThanOrEqual(1_000)
  expect(await drain(spool)).toHaveLength(taken)
  await spool.append([aRecord('more')])
})

test('segments are followed by new ones, and each is deleted once Kafka has all of it', async () => {
  const directory = spoolDirectory()
  const { spool, metrics } = await openTestSpool(directory, { segmentBytes: 300 })
  for (let name = 0; name < 9; name += 1) await spool.append([aRecord(name)])
  const files = segmentsIn(directory).length
  expect(files).toBeGreaterThan(2)
  const oldest = await spool.oldest()
  expect(oldest?.records[0]).toMatchObject({ key: 'key-0' })
  await oldest?.remove()
  expect(segmentsIn(directory)).toHaveLength(files - 1)
  const [next] = (await spool.oldest())?.records ?? []
  expect(next?.key).toBe(`key-${oldest?.records.length ?? 0}`)
  expect(await valueOf(metrics, 'spool_oldest_timestamp_seconds')).toBe(
    (next?.spooledAt ?? 0) / 1000,
  )
})

test('what comes while the oldest segment is read goes to the next', async () => {
  const { spool } = await openTestSpool(spoolDirectory())
  await spool.append([aRecord(1)])
  const appends = [spool.append([aRecord(2)]), spool.append([aRecord(3)])]
  const first = await spool.oldest()
  await Promise.all([...appends, spool.append([aRecord(4)])])
  const names = first?.records.map(({ key }) => key) ?? []
  await first?.remove()
  expect([...names, ...(await drain(spool)).map(({ key }) => key)]).toEqual(
    [1, 2, 3, 4].map((name) => `key-${name}`),
  )
})

test('an unceasing load does not keep the oldest segment from being read', async () => {
  const { spool } = await openTestSpool(spoolDirectory(), { bytesMax: 1e9 })
  const load = { isOver: false }
  const client = async (name: number): Promise<void> => {
    while (!load.isOver) await spool.append([aRecord(name)])
  }
  await spool.append([aRecord('first')])
  const clients = [1, 2, 3, 4].map(client)
  const oldest = await spool.oldest()
  expect(oldest?.records[0]?.key).toBe('key-first')
  load.isOver = true
  await Promise.all(clients)
})

test('a last record cut off anywhere by a crash is dropped and counted, the others stay', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  for (const name of [1, 2]) await spool.append([aRecord(name)])
  const path = onlySegmentIn(directory)
  const whole = readFileSync(path)
  const lastFrame = frameOf({ ...aRecord(3), spooledAt: Date.now() })
  await spool.close()
  for (let cut = 1; cut < lastFrame.length; cut += 1) {
    writeFileSync(path, Buffer.concat([whole, lastFrame.subarray(0, cut)]))
    const { spool: found, metrics, logged } = await openTestSpool(directory)
    expect([cut, found.records(), await valueOf(metrics, 'spool_torn_total')]).toEqual([cut, 2, 1])
    expect(statSync(path).size).toBe(whole.length)
    expect(logged()).toContain('a crash cut off')
    await found.close()
  }
  const { spool: last, metrics } = await openTestSpool(directory)
  expect((await drain(last)).map(({ key }) => key)).toEqual(['key-1', 'key-2'])
  expect(existsSync(join(directory, 'quarantine'))).toBe(false)
  expect(await valueOf(metrics, 'spool_damaged_total')).toBe(0)
})

test('a file of which only the length reached the disk is torn, not damaged', () => {
  const frame = frameOf({ ...aRecord(1), spooledAt: 0 })
  const { records, damaged, torn } = readFrames(Buffer.concat([frame, Buffer.alloc(4_096)]))
  expect(records).toHaveLength(1)
  expect(damaged).toEqual([])
  expect(torn?.start).toBe(frame.length)
})

test('whatever byte a disk damages, only the record it belongs to is missing, and nothing false comes out', () => {
  const records = Array.from({ length: 4 }, (_, name) => ({ ...aRecord(name), spooledAt: name }))
  const frames = records.map(frameOf)
  const bytes = Buffer.concat(frames)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const damagedBytes = Buffer.from(bytes)
      damagedBytes[at] = (damagedBytes[at] ?? 0) ^ mask
      let end = 0
      const hit = frames.findIndex((frame) => (end += frame.length) > at)
      const found = readFrames(damagedBytes)
      expect(found.records).toEqual(records.filter((_, index) => index !== hit))
      expect(found.torn).toBeNull()
      expect(found.damaged).toEqual([{ start: end - (frames[hit]?.length ?? 0), end }])
    }),
    { numRuns: 300 },
  )
})

test('damage is reported, counted and put aside, and the rest replayed', async () => {
  const directory = spoolDirectory()
  const { spool, metrics, logged } = await openTestSpool(directory)
  for (const name of [1, 2, 3]) await spool.append([aRecord(name)])
  const path = onlySegmentIn(directory)
  const bytes = readFileSync(path)
  const at = bytes.indexOf('value of 2')
  bytes[at] = 0
  writeFileSync(path, bytes)
  await spool.oldest()
  expect((await drain(spool)).map(({ key }) => key)).toEqual(['key-1', 'key-3'])
  expect(await valueOf(metrics, 'spool_damaged_total')).toBeGreaterThan(0)
  expect(logged()).toContain('the spool is damaged')
  const [aside, ...others] = readdirSync(join(directory, 'quarantine'))
  expect(others).toEqual([])
  const putAside = readFileSync(join(directory, 'quarantine', aside ?? ''))
  expect(putAside).toEqual(bytes.subarray(bytes.length / 3, (2 * bytes.length) / 3))
})

test('a segment shortened by half gives its first half', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  for (let name = 0; name < 10; name += 1) await spool.append([aRecord(name)])
  await spool.close()
  const path = onlySegmentIn(directory)
  truncateSync(path, statSync(path).size / 2 + 5)
  const { spool: found } = await openTestSpool(directory)
  expect((await drain(found)).map(({ key }) => key)).toEqual(
    [0, 1, 2, 3, 4].map((name) => `key-${name}`),
  )
})

test('a disk that fails refuses what comes, loses nothing it had promised, and is used again when it is back', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory, { segmentBytes: 1 })
  await spool.append([aRecord(1)])
  const [path] = segmentsIn(directory)
  const kept = readFileSync(path ?? '')
  rmSync(directory, { recursive: true })
  await expect(spool.append([aRecord(2)])).rejects.toThrow(/^spool: .*ENOENT/)
  mkdirSync(directory)
  // For a moment it does not even try, or a full disk would be met with a new file per request.
  await expect(spool.append([aRecord(2)])).rejects.toThrow(/^spool: .*ENOENT/)
  expect(readdirSync(directory)).toEqual([])
  writeFileSync(path ?? '', kept)
  await until(() =>
    spool.append([aRecord(3)]).then(
      () => true,
      () => false,
    ),
  )
  expect((await drain(spool)).map(({ key }) => key)).toEqual(['key-1', 'key-3'])
})

test.each([
  ['before it is read', 0],
  ['while Kafka is given it', 1],
])(
  'a file that somebody deletes %s is reported, and what comes after it is not held up',
  async (_when, read) => {
    const directory = spoolDirectory()
    const { spool, metrics, logged } = await openTestSpool(directory, { segmentBytes: 1 })
    for (const name of [1, 2]) await spool.append([aRecord(name)])
    const first = read === 1 ? await spool.oldest() : null
    rmSync(segmentsIn(directory)[0] ?? '')
    await first?.remove()
    await spool.append([aRecord(3)])
    expect((await drain(spool)).map(({ key }) => key)).toEqual(['key-2', 'key-3'])
    expect(spool.records()).toBe(0)
    expect(spool.bytes()).toBe(0)
    expect(await valueOf(metrics, 'spool_damaged_total')).toBe(1 - read)
    expect(logged()).toContain(read === 1 ? 'Kafka has its records' : 'and 1 records with it')
  },
)

test('nobody is told that a record is kept in a file that somebody has deleted, and the next file is whole', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  await spool.append([aRecord(1)])
  rmSync(onlySegmentIn(directory))
  await expect(spool.append([aRecord(2)])).rejects.toThrow('was deleted')
  await until(() =>
    spool.append([aRecord(3)]).then(
      () => true,
      () => false,
    ),
  )
  expect((await drain(spool)).map(({ key }) => key)).toEqual(['key-3'])
})

test('a disk that stands still fills no memory: what waits for it has a bound of its own', async () => {
  const { spool } = await openTestSpool(spoolDirectory(), { waitingBytesMax: 10_000 })
  const large = aRecord(0, { value: Buffer.alloc(20_000) })
  await spool.append([large])
  // All before the disk has had a chance to be written to.
  const appends = Array.from({ length: 100 }, (_, name) =>
    spool.append([aRecord(name, { value: Buffer.alloc(1_000) })]).then(
      () => 'kept',
      (error: unknown) => String(error),
    ),
  )
  expect(spool.bytes()).toBeLessThan(20_000 + 11_000)
  const outcomes = await Promise.all(appends)
  expect(outcomes.filter((one) => one === 'kept')).toHaveLength(9)
  expect(outcomes.at(-1)).toContain('the disk does not keep up')
  await spool.append([large])
  expect(await drain(spool)).toHaveLength(11)
})

test('what a deletion on request that was killed has left of a file is deleted', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  await spool.append([aRecord(1)])
  await spool.close()
  writeFileSync(`${onlySegmentIn(directory)}.new`, 'half of it')
  const { spool: next } = await openTestSpool(directory)
  expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
  expect(await drain(next)).toHaveLength(1)
})

test('a spool has one process; one that was killed holds nobody up, nor does a later one with its number', async () => {
  const directory = spoolDirectory()
  const { spool } = await openTestSpool(directory)
  await spool.append([aRecord(1)])
  await expect(openTestSpool(directory)).rejects.toThrow(SetupError)
  await spool.close()
  const holder = spawn('sleep', ['60'])
  const pid = holder.pid ?? 0
  const lock = join(directory, 'lock')
  writeFileSync(lock, JSON.stringify({ pid, identity: processIdentity(pid), lock: 'its' }))
  await expect(openTestSpool(directory)).rejects.toThrow(
    `${directory} is in use by process ${pid}: give each process its own SPOOL_DIRECTORY`,
  )
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const { spool: second } = await openTestSpool(directory)
  await second.close()
  writeFileSync(lock, JSON.stringify({ pid: process.pid, identity: 'an earlier', lock: 'its' }))
  const { spool: third } = await openTestSpool(directory)
  expect(await drain(third)).toHaveLength(1)
})

/** What a process of its own told of before it was killed, at the first line that `isEnough`. */
async function spoolUntil(
  directory: string,
  {
    fileLimitKiB,
    isEnough,
  }: { fileLimitKiB: number | null; isEnough: (lines: string[]) => boolean },
): Promise<string[]> {
  const child = startSpoolingProcess(directory, fileLimitKiB)
  let told = ''
  let faults = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (faults += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text
    if (isEnough(told.split('\n'))) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(faults).toBe('')
  return told.slice(0, told.lastIndexOf('\n')).split('\n')
}

test('a process killed in mid-load has in its spool every record it told of, and its directory is free', async () => {
  const directory = spoolDirectory()
  const told = await spoolUntil(directory, {
    fileLimitKiB: null,
    isEnough: (lines) => lines.length > 500,
  })
  const { spool } = await openTestSpool(directory, { bytesMax: 1e9 })
  const found = new Set((await drain(spool)).map(({ key }) => key))
  expect(told.length).toBeGreaterThan(400)
  expect(told.filter((name) => !found.has(`key-${name}`))).toEqual([])
}, 30_000)

test('a disk without room for a whole write costs only what was refused, and no further write lands behind half a record', async () => {
  const directory = spoolDirectory()
  const told = await spoolUntil(directory, {
    fileLimitKiB: 32,
    isEnough: (lines) => lines.includes('done'),
  })
  const names = told.filter((line) => line !== 'refused' && line !== 'done')
  expect(told).toContain('refused')
  expect(names).toContain('afterwards')
  const { spool, metrics } = await openTestSpool(directory)
  expect((await drain(spool)).map(({ key }) => key).sort()).toEqual(
    names.map((name) => `key-${name}`).sort(),
  )
  expect(await valueOf(metrics, 'spool_torn_total')).toBe(0)
  expect(await valueOf(metrics, 'spool_damaged_total')).toBe(0)
}, 30_000)
