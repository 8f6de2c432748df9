// What the preflight asks the machine it runs on. A value of its own, so that tests can describe machines.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'

export interface Machine {
  /** What a command prints (stdout and stderr), or null when it cannot be run or fails. */
  ask(command: string, args: readonly string[]): string | null
  /** Whether 127.0.0.1 can be listened on at this port. */
  portIsFree(port: number): Promise<boolean>
  freeDiskBytes(directory: string): number
  availableMemoryBytes(): number
  /** Whether files can be made in it; it may not be there yet. */
  isWritable(directory: string): boolean
  isInstalled(directory: string): boolean
}

export const thisMachine: Machine = {
  ask(command, args) {
    const child = spawnSync(command, args, { timeout: 20_000 })
    return child.status === 0 ? `${child.stdout.toString()}${child.stderr.toString()}` : null
  },
  portIsFree: (port) =>
    new Promise((resolve) => {
      const server = createServer()
      server.once('error', () => {
        resolve(false)
      })
      server.listen(port, '127.0.0.1', () =>
        server.close(() => {
          resolve(true)
        }),
      )
    }),
  freeDiskBytes(directory) {
    const { bavail, bsize } = statfsSync(nearestExisting(directory))
    return bavail * bsize
  },
  availableMemoryBytes: () => process.availableMemory(),
  isWritable(directory) {
    try {
      mkdirSync(directory, { recursive: true })
      accessSync(directory, constants.W_OK | constants.X_OK)
      return true
    } catch {
      return false
    }
  },
  isInstalled: (directory) => existsSync(directory),
}

function nearestExisting(directory: string): string {
  return existsSync(directory) ? directory : nearestExisting(dirname(directory))
}
