// A command of the project as an operator runs it: a process of its own, from the build.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { projectDirectory } from '../../services/runtime/schemas'

export interface ScriptResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function runScript(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ScriptResult> {
  return runScriptWith(name, args, { environment, input: '' })
}

/** @param given.input of its standard input, which then ends */
export function runScriptWith(
  name: string,
  args: readonly string[],
  given: { readonly environment: Readonly<Record<string, string>>; readonly input: string },
): Promise<ScriptResult> {
  const script = join(projectDirectory(), 'dist', 'scripts', `${name}.js`)
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...given.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A command that ends without having asked reads nothing.
  child.stdin.on('error', () => undefined).end(given.input)
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code, ...output })
    })
  })
}
