import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { tryLock, withLock } from '../../services/runtime/lock'
import { lockDirectory } from '../../services/runtime/lock-directory'
import { processIdentity } from '../../services/runtime/process-identity'

let directory: string
let lock: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-lock-'))
  lock = join(directory, 'lock')
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

test('a lock is held by one at a time and names its holder to the next', () => {
  const release = tryLock(lock)
  expect(release).toBeInstanceOf(Function)
  expect(tryLock(lock)).toBe(process.pid)
  if (typeof release === 'function') release()
  expect(tryLock(lock)).toBeInstanceOf(Function)
})

test('a killed holder holds nothing', async () => {
  const holder = spawn('sleep', ['60'])
  const pid = holder.pid ?? 0
  writeFileSync(lock, JSON.stringify({ pid, identity: processIdentity(pid), lock: 'its' }))
  expect(tryLock(lock)).toBe(pid)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  expect(tryLock(lock)).toBeInstanceOf(Function)
})

test('a later process with the same id is not taken for the holder', () => {
  writeFileSync(lock, JSON.stringify({ pid: process.pid, identity: 'an earlier one', lock: 'its' }))
  expect(tryLock(lock)).toBeInstanceOf(Function)
})

test('a lock of which the crash of the machine left nothing but a name holds nobody up', () => {
  writeFileSync(lock, '')
  expect(tryLock(lock)).toBeInstanceOf(Function)
})

test('a directory in use names its holder and the setting to change', () => {
  const release = lockDirectory(directory, 'SPOOL_DIRECTORY')
  expect(() => lockDirectory(directory, 'SPOOL_DIRECTORY')).toThrow(
    new RegExp(`in use by process ${process.pid}: .* SPOOL_DIRECTORY`),
  )
  release()
  lockDirectory(directory, 'SPOOL_DIRECTORY')()
})

test("a directory that cannot be made is the operator's to mend", () => {
  writeFileSync(lock, '')
  expect(() => lockDirectory(join(lock, 'below'), 'SPOOL_DIRECTORY')).toThrow(SetupError)
})

test('what runs under one lock runs one after the other and leaves nothing behind', async () => {
  const order: string[] = []
  const one = (name: string): Promise<void> =>
    withLock(lock, async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
    })
  await Promise.all([one('first'), one('second')])
  expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
  expect(readdirSync(directory)).toEqual([])
})
