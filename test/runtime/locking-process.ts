// A process of its own that locks a directory, so that another namespace of processes is a real one.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { lockDirectory } from '../../services/runtime/lock-directory'
import { scriptThatCalls } from '../support/typescript-process'

export interface LockingProcess {
  /** What it has said: `locked`, or why it ended. */
  readonly told: () => string
  readonly kill: () => void
  readonly ended: Promise<unknown>
}

const started: ChildProcess[] = []

/** @param wrapper the command to run it with */
export function startLockingProcess(
  directory: string,
  wrapper: readonly string[] = [],
): LockingProcess {
  const load = scriptThatCalls(__filename, `lockAndStay(${JSON.stringify(directory)})`)
  const [command, ...args] = [...wrapper, process.execPath, '-e', load]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  let told = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (told += text))
  }
  return {
    told: () => told.trim(),
    kill: () => child.kill('SIGKILL'),
    ended: once(child, 'exit'),
  }
}

/** Ends those that a failed test has left. */
export function endLockingProcesses(): void {
  for (const child of started.splice(0)) child.kill('SIGKILL')
}

export async function lockAndStay(directory: string): Promise<void> {
  await lockDirectory(directory, 'SPOOL_DIRECTORY')
  process.stdout.write('locked\n')
  setInterval(() => undefined, 60_000)
}
