import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { withLock } from '../../services/runtime/lock'

export interface Installation {
  /** Where it ends up; its name carries the version, so that a new version is a new installation. */
  readonly directory: string
  readonly title: string
  readonly progress: (line: string) => void
  /** Fills the directory it is given, which becomes `directory` only when it has succeeded. */
  install(making: string): Promise<void>
}

/** Installs once: alone among all runs, and by one rename at the end, so that an interruption leaves nothing half made. */
export async function installOnce(installation: Installation): Promise<string> {
  const { directory, title, progress } = installation
  if (existsSync(directory)) return directory
  const announce = (pid: number): void => {
    progress(`${title}: waiting for process ${pid}, which is installing it`)
  }
  const install = async (): Promise<string> => {
    if (existsSync(directory)) return directory
    removeLeftovers(directory)
    const making = `${directory}.making-${process.pid}`
    mkdirSync(making, { recursive: true })
    progress(`${title}: installing (once)`)
    try {
      await installation.install(making)
      renameSync(making, directory)
    } finally {
      rmSync(making, { recursive: true, force: true })
    }
    return directory
  }
  return withLock(`${directory}.lock`, install, announce)
}

/** Runs a Maven goal. @throws SetupError with Maven's own first error */
export async function runMaven(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn('mvn', ['--batch-mode', '--no-transfer-progress', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return
  const reason = /\[ERROR\] (.*)/.exec(output)?.[1] ?? output.slice(-500)
  throw new SetupError(`Maven could not install (is the network there?): ${reason}`)
}

// Left by installations that were killed; the lock says that none is going on.
function removeLeftovers(directory: string): void {
  const parent = dirname(directory)
  if (!existsSync(parent)) return
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${basename(directory)}.making-`)) {
      rmSync(join(parent, name), { recursive: true, force: true })
    }
  }
}
