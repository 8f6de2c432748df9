// The stack that `npm run stack -- up` leaves running: a detached supervisor owns the parts, and a state file says where
// it is. The file is believed only while the process it names is alive, so a killed supervisor leaves nothing to repair.
import { spawn } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SetupError } from '../../services/runtime/errors'
import { standingDataDirectory, type StackPorts } from './config'
import { serverAnswers } from './erp/erp-server'
import { kafkaAnswers } from './kafka'
import { answersOk, partNames, type PartName } from './part'
import { processIdentity } from '../../services/runtime/process-identity'
import { builtScript, describeDeath } from './run-part'
import {
  addressesOf,
  startStack,
  type RunningStack,
  type StackAddresses,
  type StackOptions,
} from './stack'

export interface StandingStack extends StackAddresses {
  readonly pid: number
  readonly ports: StackPorts
  readonly logsDirectory: string
}

export interface PartStatus {
  readonly name: PartName
  readonly ready: boolean
  readonly address: string
  readonly logFile: string
}

/** What the supervisor tells the command that started it. */
type Message =
  { readonly progress: string } | { readonly failed: string } | { readonly ready: true }

/** The stack that a supervisor keeps, or null. */
export function findStandingStack(): StandingStack | null {
  const state = readState()
  if (state === null || processIdentity(state.pid) !== state.identity) return null
  const logsDirectory = join(standingDataDirectory(), 'logs')
  return { pid: state.pid, ports: state.ports, logsDirectory, ...addressesOf(state.ports) }
}

/**
 * Starts a supervisor that outlives this process and waits until all parts are ready.
 * @throws SetupError in the supervisor's words when they do not get so
 */
export async function raiseStack(progress: (line: string) => void): Promise<StandingStack> {
  const standing = findStandingStack()
  if (standing !== null) {
    progress(`the stack already runs (process ${standing.pid})`)
    return standing
  }
  await launchSupervisor(progress)
  const raised = findStandingStack()
  if (raised === null) throw new SetupError(`the stack ended at once; see ${supervisorLog()}`)
  return raised
}

/** @returns false when there was none */
export async function lowerStack(): Promise<boolean> {
  const standing = findStandingStack()
  if (standing === null) return false
  process.kill(standing.pid, 'SIGTERM')
  while (findStandingStack() !== null) await pause(50)
  return true
}

/** Asks every part of the standing stack whether it does its work; without one, all are down. */
export async function askParts(standing: StandingStack | null): Promise<PartStatus[]> {
  return Promise.all(
    partNames.map(async (name) => {
      const logFile = join(standingDataDirectory(), 'logs', `${name}.log`)
      if (standing === null) return { name, ready: false, address: '', logFile }
      const { address, answers } = probeOf(name, standing)
      return { name, ready: await answers().catch(() => false), address, logFile }
    }),
  )
}

/** Uses the stack that `up` started; without one, starts a stack that ends with this process. `stop` leaves a joined one running. */
export async function startOrJoinStack(
  options: Omit<StackOptions, 'dataDirectory' | 'ports' | 'parts'> = {},
): Promise<RunningStack> {
  const standing = findStandingStack()
  if (standing === null) {
    return startStack({ ...options, dataDirectory: standingDataDirectory(), ports: 'fixed' })
  }
  const down = (await askParts(standing)).find((part) => !part.ready)
  if (down !== undefined) {
    throw new SetupError(
      `${down.name} of the running stack does not answer (its log is ${down.logFile}): \`npm run stack -- down\`, then start again`,
    )
  }
  options.progress?.(`joining the stack that already runs (process ${standing.pid})`)
  const foreign = (): Promise<never> =>
    Promise.reject(new SetupError('the parts of a joined stack belong to its supervisor'))
  return {
    ...standing,
    stop: () => Promise.resolve(),
    stopPart: foreign,
    killPart: foreign,
    startPart: foreign,
  }
}

/** The supervisor's whole life: starts the parts, tells its starter, and stops them when it is told to end. */
export async function superviseStack(): Promise<void> {
  const tell = (message: Message): void => {
    if (process.connected) process.send?.(message)
  }
  const say = (line: string): void => {
    console.log(`${new Date().toISOString()} ${line}`)
  }
  // Until the stack stands it belongs to the command that starts it, and goes with it.
  const abandon = (): void => process.exit(1)
  process.once('disconnect', abandon)
  const stack = await startStack({
    dataDirectory: standingDataDirectory(),
    ports: 'fixed',
    progress: (line) => {
      say(line)
      tell({ progress: line })
    },
    onPartDied: (death) => {
      say(describeDeath(death))
    },
  }).catch((error: unknown) => {
    const failed = error instanceof SetupError ? error.message : String(error)
    say(failed)
    tell({ failed })
    return null
  })
  process.off('disconnect', abandon)
  if (stack === null) {
    process.exitCode = 1
    if (process.connected) process.disconnect()
    return
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(signal, () => {
      say(`${signal}: stopping`)
      void stack.stop().then(() => {
        rmSync(stateFile(), { force: true })
        process.exit(0)
      })
    })
  }
  writeState({
    pid: process.pid,
    identity: processIdentity(process.pid) ?? '',
    ports: stack.ports,
  })
  tell({ ready: true })
  if (process.connected) process.disconnect()
  // The parts' pipes do not keep a process alive for ever; the supervisor's only end is a signal.
  setInterval(() => undefined, 1 << 30)
}

async function launchSupervisor(progress: (line: string) => void): Promise<void> {
  mkdirSync(standingDataDirectory(), { recursive: true })
  const log = openSync(supervisorLog(), 'a')
  const supervisor = spawn(process.execPath, [builtScript('scripts/stack'), 'supervise'], {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
  })
  closeSync(log)
  supervisor.on('message', (message: Message) => {
    if ('progress' in message) progress(message.progress)
  })
  await new Promise<void>((resolve, reject) => {
    supervisor.on('message', (message: Message) => {
      if ('ready' in message) resolve()
      if ('failed' in message) reject(new SetupError(message.failed))
    })
    supervisor.once('exit', () => {
      reject(new SetupError(`the stack's supervisor ended; see ${supervisorLog()}`))
    })
  })
  if (supervisor.connected) supervisor.disconnect()
  supervisor.unref()
}

function probeOf(
  name: PartName,
  standing: StandingStack,
): { address: string; answers: () => Promise<boolean> } {
  switch (name) {
    case 'kafka':
      return {
        address: standing.brokers.join(','),
        answers: () => kafkaAnswers(standing.ports.kafka),
      }
    case 'registry':
      return {
        address: standing.registryUrl,
        answers: () => answersOk(`${standing.registryUrl}/subjects`),
      }
    case 'clickhouse':
      return {
        address: standing.clickhouseUrl,
        answers: () => answersOk(`${standing.clickhouseUrl}/ping`),
      }
    case 'erp':
      return { address: standing.erp.url, answers: () => serverAnswers(standing.ports.erp) }
  }
}

interface State {
  readonly pid: number
  readonly identity: string
  readonly ports: StackPorts
}

function readState(): State | null {
  try {
    return JSON.parse(readFileSync(stateFile(), 'utf8')) as State
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function writeState(state: State): void {
  const making = `${stateFile()}.making`
  writeFileSync(making, JSON.stringify(state))
  renameSync(making, stateFile())
}

function stateFile(): string {
  return join(standingDataDirectory(), 'state.json')
}

function supervisorLog(): string {
  return join(standingDataDirectory(), 'supervisor.log')
}
