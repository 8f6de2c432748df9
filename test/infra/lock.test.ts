import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryLock, withLock } from '../../infra/local/lock'
import { processIdentity } from '../../infra/local/process-identity'

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
