// A process of its own that fills a spool until it is refused or killed, so that a disk without room and kill -9 are real.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import pino from 'pino'
import { createMetrics } from '../../services/runtime/metrics'
import { openSpool } from '../../services/runtime/spool'
import { createSpoolMetrics } from '../../services/runtime/spool-metrics'
import { scriptThatCalls } from '../support/typescript-process'
import { aRecord } from './a-record'

/** Files of the process may have so many KiB; `null` is no limit. */
export function startSpoolingProcess(
  directory: string,
  fileLimitKiB: number | null,
): ChildProcessByStdio<null, Readable, Readable> {
  const load = scriptThatCalls(__filename, `fillSpool(${JSON.stringify(directory)})`)
  const limit = fileLimitKiB === null ? '' : `ulimit -f ${fileLimitKiB}; `
  const child = spawn('bash', ['-c', `${limit}exec "$0" -e "$1"`, process.execPath, load], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  return child
}

const started: ChildProcessByStdio<null, Readable, Readable>[] = []

/** Ends those that a failed test has left. */
export function endSpoolingProcesses(): void {
  for (const child of started.splice(0)) child.kill('SIGKILL')
}

/** Prints the name of each record once it is acknowledged, and `refused` at the first that is not; after a rest one more. */
export async function fillSpool(directory: string): Promise<void> {
  // Else the system ends a process that writes beyond its limit, before the write can fail.
  process.on('SIGXFSZ', () => undefined)
  const spool = await openSpool({
    directory,
    bytesMax: 1e9,
    metrics: createSpoolMetrics(createMetrics('child')),
    logger: pino({ level: 'silent' }),
    now: Date.now,
  })
  const say = (line: string): boolean => process.stdout.write(`${line}\n`)
  const append = (name: string): Promise<boolean> =>
    spool.append([aRecord(name)]).then(
      () => say(name),
      () => false,
    )
  const fill = async (client: number): Promise<void> => {
    for (let count = 0; await append(`${client}-${count}`); count += 1);
    say('refused')
  }
  await Promise.all([0, 1, 2, 3].map(fill))
  while (!(await append('afterwards'))) await new Promise((resolve) => setTimeout(resolve, 50))
  say('done')
}
