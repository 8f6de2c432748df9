import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Tells one process from a later one with the same id: its id with the moment it began. Null when there is no such
 * process. What is written down of a process is of use only with this, because ids come again.
 */
export function processIdentity(pid: number): string | null {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

function fromProc(pid: number): string | null {
  try {
    // The name in brackets may hold anything; the 20th field after it is the start in clock ticks since boot.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return null
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${pid}@${boot}+${fields[19] ?? ''}`
  } catch {
    return null // no such process
  }
}

function fromPs(pid: number): string | null {
  const started = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)])
    .stdout.toString()
    .trim()
  return started === '' ? null : `${pid}@${started}`
}
