import { spawn } from 'node:child_process'
import { SetupError } from '../../../services/runtime/errors'

/**
 * Runs a command to its end and gives what it printed.
 * @throws SetupError with the last lines it wrote when it fails or cannot be started
 */
export function runCommand(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    let complained = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
    child.on('error', (cause) => {
      reject(new SetupError(`cannot run ${command}: ${cause.message}`, { cause }))
    })
    child.on('close', (code) => {
      if (code === 0) resolve(printed)
      else {
        const last = (complained.trim() || printed.trim()).split('\n').slice(-3).join(' ')
        reject(new SetupError(`${command} ${args.slice(0, 3).join(' ')} failed (${code}): ${last}`))
      }
    })
  })
}
