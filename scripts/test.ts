// `scripts/test`: every check and test in order, cheapest first, with the time each took. Stops at the first
// that fails; names given on the command line run only those.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { installRoot } from '../infra/local/config'
import { projectDirectory } from '../services/runtime/schemas'

interface Phase {
  readonly name: string
  readonly command: readonly string[]
  /** Counts of the tests it ran; a phase without tests counts as one. */
  readonly results?: string
}

const resultsDirectory = join(installRoot(), 'test-results')
const bin = (name: string): string => join(projectDirectory(), 'node_modules', '.bin', name)

function jest(project: string, ...options: readonly string[]): Phase {
  const results = join(resultsDirectory, `${project}.json`)
  const report = ['--json', `--outputFile=${results}`]
  return {
    name: project,
    command: [bin('jest'), '--selectProjects', project, ...options, ...report],
    results,
  }
}

const phases: readonly Phase[] = [
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json', '--noEmit'] },
  {
    name: 'lint',
    command: [bin('eslint'), '-c', 'scripts/eslint.config.mjs', '--max-warnings=0', '.'],
  },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  jest('unit'),
  jest('simulation', '--maxWorkers=2'),
  jest('fuzz'),
  jest('integration', '--runInBand'),
  { name: 'demo', command: [process.execPath, 'dist/scripts/demo.js', '--once', '--throwaway'] },
  { name: 'chaos', command: [process.execPath, 'dist/scripts/chaos.js', '--short'] },
]

async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  mkdirSync(resultsDirectory, { recursive: true })
  const times: string[] = []
  let [passed, failed] = [0, 0]
  for (const phase of phases) {
    if (wanted.length > 0 && !wanted.includes(phase.name)) continue
    const began = Date.now()
    const good = await run(phase)
    times.push(`${phase.name} ${((Date.now() - began) / 1_000).toFixed(1)} s`)
    const counts = countsOf(phase, good)
    passed += counts.passed
    failed += counts.failed
    if (!good) {
      console.log(`\n${phase.name} failed`)
      break
    }
  }
  console.log(`\n${times.join(', ')}`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

function run({ name, command, results }: Phase): Promise<boolean> {
  const [program = '', ...args] = command
  console.log(`\n── ${name}`)
  if (results !== undefined) rmSync(results, { force: true })
  // jest writes what people read to stderr, and its JSON summary to the file.
  const child = spawn(program, args, {
    cwd: projectDirectory(),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => child.kill(signal))
  }
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code === 0)
    })
  })
}

function countsOf({ results }: Phase, good: boolean): { passed: number; failed: number } {
  if (results === undefined) return { passed: good ? 1 : 0, failed: good ? 0 : 1 }
  const {
    numPassedTests: passed,
    numFailedTests,
    numRuntimeErrorTestSuites,
  } = JSON.parse(readFileSync(results, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numRuntimeErrorTestSuites: number
  }
  const failed = numFailedTests + numRuntimeErrorTestSuites
  return { passed, failed: good || failed > 0 ? failed : 1 }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
