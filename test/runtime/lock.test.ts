import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { lockOrHolder, tryLock, withLock } from '../../services/runtime/lock'
import { lockDirectory } from '../../services/runtime/lock-directory'
import { processIdentity } from '../../services/runtime/process-identity'
import { until } from '../support/until'
import { endLockingProcesses, startLockingProcess } from './locking-process'

afterEach(endLockingProcesses)

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

test('a directory in use names its holder and the setting to change', async () => {
  const release = await lockDirectory(directory, 'SPOOL_DIRECTORY')
  await expect(lockDirectory(directory, 'SPOOL_DIRECTORY')).rejects.toThrow(
    new RegExp(`in use by process ${process.pid}: .* SPOOL_DIRECTORY`),
  )
  release()
  const again = await lockDirectory(directory, 'SPOOL_DIRECTORY')
  again()
})

test("a directory that cannot be made is the operator's to mend", async () => {
  writeFileSync(lock, '')
  await expect(lockDirectory(join(lock, 'below'), 'SPOOL_DIRECTORY')).rejects.toThrow(SetupError)
})

/** The lock of a process that cannot be looked at from here, and whose number somebody here may have as well. */
function lockElsewhere(): void {
  const identity = processIdentity(process.pid)
  writeFileSync(lock, JSON.stringify({ pid: 1, identity, place: 'elsewhere', lock: 'its' }))
}

test('a holder in another container holds for as long as it touches its lock', async () => {
  lockElsewhere()
  let seconds = 0
  const touching = setInterval(() => {
    utimesSync(lock, (seconds += 1), seconds)
  }, 20)
  expect(await lockOrHolder(lock, 10_000)).toEqual({ pid: 1, isElsewhere: true })
  expect(tryLock(lock)).toBe(1)
  clearInterval(touching)
  expect(await lockOrHolder(lock, 300)).toBeInstanceOf(Function)
})

test('whoever takes a dead lock from elsewhere takes it alone', async () => {
  lockElsewhere()
  const outcomes = await Promise.all([1, 2, 3].map(() => lockOrHolder(lock, 300)))
  const taken = outcomes.filter((one) => typeof one === 'function')
  expect(taken).toHaveLength(1)
  expect(outcomes.filter((one) => typeof one !== 'function')).toEqual([
    { pid: process.pid, isElsewhere: false },
    { pid: process.pid, isElsewhere: false },
  ])
})

test('a holder gives signs of life, and ends when another has taken its lock over', async () => {
  const child = startLockingProcess(directory)
  await until(() => child.told() === 'locked')
  const before = statSync(lock).mtimeMs
  await until(() => statSync(lock).mtimeMs > before)
  lockElsewhere()
  await until(() => child.told().includes('taken over'))
})

const canSeparate = spawnSync('unshare', ['-Urpf', '--mount-proc', 'true']).status === 0

// Where this system lets nobody have a namespace of his own there is nothing to see.
;(canSeparate ? test : test.skip)(
  'a lock holds between processes that do not see each other, as in two containers on one volume',
  async () => {
    const separate = ['unshare', '-Urpf', '--mount-proc', '--kill-child']
    const first = startLockingProcess(directory, separate)
    await until(() => first.told() === 'locked')
    const refused = /in use by process 1 of another container or machine: .* SPOOL_DIRECTORY/
    await expect(lockDirectory(directory, 'SPOOL_DIRECTORY')).rejects.toThrow(refused)
    const second = startLockingProcess(directory, separate)
    await until(() => refused.test(second.told()))
    expect(first.told()).toBe('locked')
    first.kill()
    await first.ended
    const release = await lockOrHolder(lock, 3_000)
    expect(release).toBeInstanceOf(Function)
  },
  30_000,
)

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
