// On what the figures were measured: without it they mean nothing.
import { cpus, loadavg, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'

export interface Machine {
  readonly node: string
  readonly cores: number
  readonly processor: string
  readonly memory_gib: number
  readonly load_before: number
}

export function describeMachine(): Machine {
  const processors = cpus()
  return {
    node: process.version,
    cores: processors.length,
    processor: processors[0]?.model ?? '',
    memory_gib: Math.round(totalmem() / 2 ** 30),
    load_before: loadOfMachine(),
  }
}

/** Processes that wanted a core, on the average of the last minute. */
export function loadOfMachine(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100
}

/** Clock ticks a second in which the kernel counts: the same on every Linux of today. */
const ticksPerSecond = 100

/** Seconds of processor time a process has used so far, its threads included. Linux only. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
