import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * Tells one process from a later one with the same id: its id with the moment it began. Null when there is no such
 * process. What is written down of a process is of use only with this, because ids come again.
 */
export function processIdentity(pid: number): string | null {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/**
 * Names what process ids mean something in: this boot of this machine and, in containers, the namespace. An identity of another
 * place says nothing here.
 */
export function processPlace(): string {
  if (process.platform !== 'linux') return hostname()
  return `${bootId()} ${readlinkSync('/proc/self/ns/pid')}`
}

function fromProc(pid: number): string | null {
  try {
    // The name in brackets may hold anything; the 20th field after it is the start in clock ticks since boot.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return null
    return `${pid}@${bootId()}+${fields[19] ?? ''}`
  } catch {
    return null // no such process
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

function fromPs(pid: number): string | null {
  const started = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)])
    .stdout.toString()
    .trim()
  return started === '' ? null : `${pid}@${started}`
}
