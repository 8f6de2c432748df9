import { spawn, type ChildProcess } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { SetupError } from '../../services/runtime/errors'
import { projectDirectory } from '../../services/runtime/schemas'
import type { Part, PartName } from './part'

const readyTimeoutMs = 90_000
const logBytesMax = 20 * 1024 * 1024

/** A part that ended although nobody asked it to. */
export interface PartDeath {
  readonly name: PartName
  /** `exit code 1`, `signal SIGKILL` … */
  readonly how: string
  readonly logTail: string
  readonly logFile: string
}

export interface RunningPart {
  readonly part: Part
  readonly logFile: string
  /** Resolves when the process has gone and nothing it started is left. */
  readonly ended: Promise<PartDeath>
  /** Told to end, and made to after the grace of ten seconds. */
  stop(): Promise<void>
  /** As by `kill -9`. */
  kill(): Promise<void>
}

/** Starts a part under a guard, which ends it when this process ends. What it prints is appended to its log. */
export function runPart(part: Part, logFile: string, graceMs = 10_000): RunningPart {
  mkdirSync(dirname(logFile), { recursive: true })
  if (existsSync(logFile) && statSync(logFile).size > logBytesMax) {
    renameSync(logFile, `${logFile}.old`)
  }
  const log = openSync(logFile, 'a')
  const startsAt = statSync(logFile).size
  const guard = spawn(
    process.execPath,
    [builtScript('infra/local/guard'), String(graceMs), part.command, ...part.args],
    // Detached: a session of its own, so that Ctrl-C reaches the owner only, and one group to kill.
    {
      cwd: part.cwd,
      env: { ...process.env, ...part.env },
      stdio: ['pipe', log, log, 'pipe'],
      detached: true,
    },
  )
  closeSync(log)
  const ended = watchEnd(guard).then((how) => ({
    name: part.name,
    how,
    logTail: tailOf(logFile, startsAt),
    logFile,
  }))
  return {
    part,
    logFile,
    ended,
    async stop() {
      guard.stdin?.end()
      await ended
    },
    async kill() {
      killGroup(guard)
      await ended
    },
  }
}

/** @throws SetupError with the end of its log when the part ends or does not get ready in time */
export async function untilReady(running: RunningPart): Promise<void> {
  const { part, logFile } = running
  const deadline = Date.now() + readyTimeoutMs
  while (Date.now() < deadline) {
    if (await part.ready().catch(() => false)) return
    const death = await Promise.race([running.ended, pause(100, null)])
    if (death !== null) throw new SetupError(describeDeath(death))
  }
  throw new SetupError(
    `${part.name} was not ready after ${readyTimeoutMs / 1000} s; see ${logFile}`,
  )
}

export function describeDeath(death: PartDeath): string {
  const tail = death.logTail === '' ? '' : `\n${death.logTail.replace(/^/gm, '    ')}`
  return `${death.name} ended by itself (${death.how}); its log is ${death.logFile}${tail}`
}

/** The compiled form of one of our scripts; what runs as a process of its own runs from the build. */
export function builtScript(path: string): string {
  const file = join(projectDirectory(), 'dist', `${path}.js`)
  if (existsSync(file)) return file
  throw new SetupError(`${file} is missing: run \`npm run build\``)
}

async function watchEnd(guard: ChildProcess): Promise<string> {
  let told = ''
  const outcome = guard.stdio[3] as Readable
  outcome.on('data', (chunk: Buffer) => (told += chunk.toString()))
  // A guard that has gone leaves a broken pipe behind, which says nothing that its end does not say.
  guard.stdin?.on('error', () => undefined)
  await new Promise<void>((resolve) => {
    guard.once('error', () => {
      resolve()
    })
    guard.once('close', () => {
      resolve()
    })
  })
  killGroup(guard)
  if (told === '') return 'its guard was killed'
  const how = JSON.parse(told) as { failed?: string; code?: number | null; signal?: string | null }
  return how.failed ?? (how.signal ? `signal ${how.signal}` : `exit code ${how.code ?? '?'}`)
}

function killGroup(guard: ChildProcess): void {
  if (guard.pid === undefined) return
  try {
    process.kill(-guard.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function tailOf(logFile: string, from: number): string {
  const text = readFileSync(logFile).subarray(from).toString()
  return text.trimEnd().split('\n').slice(-15).join('\n')
}
