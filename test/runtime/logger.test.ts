import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { scriptThatCalls } from '../support/typescript-process'

const lifecycle = join(__dirname, '..', '..', 'services', 'runtime', 'lifecycle.ts')

/** A service that lacks a setting and says so, in a process of its own. */
const failing = scriptThatCalls(lifecycle, "runService('lonely', {}, () => Promise.resolve())")

test.each(['heard', 'heard by nobody'])('a service that cannot start ends, %s', async (heard) => {
  const env = { ...process.env, OPERATIONS_PORT: undefined }
  const child = spawn(process.execPath, ['-e', failing], {
    ...{ env, stdio: ['ignore', 'pipe', 'inherit'] },
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  let said = ''
  if (heard === 'heard') child.stdout.on('data', (text: Buffer) => (said += String(text)))
  else child.stdout.destroy()
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(said.includes('OPERATIONS_PORT')).toBe(heard === 'heard')
})
