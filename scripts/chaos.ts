// `npm run chaos`: the fixed load of an evening on real parts while, one after another and then at random, everything
// breaks; afterwards every table and the ERP's books must be those of an undisturbed run. Exits 1 where they are not.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installRoot } from '../infra/local/config'
import { SetupError } from '../services/runtime/errors'
import { allFaults, drawFaults, faultOf, fullRuns, shortRun } from './chaos/catalogue'
import { Chaos, type ChaosOptions } from './chaos/chaos'

const options = {
  /** Of the load, and of what is drawn at random. */
  seed: { type: 'string', default: '1' },
  /** Only these faults, one after another; may be given several times. */
  fault: { type: 'string', multiple: true },
  /** The few that matter most, in about a minute. */
  short: { type: 'boolean', default: false },
  /** How many random draws the last run has; 0 leaves it out. */
  draws: { type: 'string' },
  persons: { type: 'string' },
  onlookers: { type: 'string' },
  /** Over how long an undisturbed run sends its load. */
  seconds: { type: 'string' },
  'report-directory': { type: 'string', default: join(installRoot(), 'chaos') },
  list: { type: 'boolean', default: false },
  /** Leaves the data and logs of all runs where they are. */
  keep: { type: 'boolean', default: false },
} as const

const awayMs = 60_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options })
  if (values.list) {
    for (const { name, says } of allFaults({ awayMs })) console.log(`${name.padEnd(26)} ${says}`)
    return
  }
  const seed = wholeNumber('seed', values.seed)
  const { short } = values
  const chaos = new Chaos({
    seed,
    persons: wholeNumber('persons', values.persons ?? (short ? '12' : '60')),
    onlookers: wholeNumber('onlookers', values.onlookers ?? (short ? '60' : '400')),
    seconds: wholeNumber('seconds', values.seconds ?? (short ? '6' : '20')),
    runs: runsOf({ seed, short, faults: values.fault ?? [], draws: values.draws }),
    reportDirectory: resolve(values['report-directory']),
    keep: values.keep,
  })
  let stopping: Promise<void> | null = null
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping !== null) return
      console.log('\nstopping')
      stopping = chaos.stop()
      void stopping.then(() => process.exit(1))
    })
  }
  const asked = (): boolean => stopping !== null
  const good = await chaos
    .run()
    .catch((error: unknown) => {
      // What is being ended fails, and that is all it means.
      if (asked()) return false
      throw error
    })
    .finally(() => stopping ?? chaos.stop())
  process.exitCode = good ? 0 : 1
}

function runsOf(wanted: {
  readonly seed: number
  readonly short: boolean
  readonly faults: readonly string[]
  readonly draws: string | undefined
}): ChaosOptions['runs'] {
  const { seed, short, faults } = wanted
  if (faults.length > 0) {
    return [{ name: 'chosen', faults: faults.map((name) => [faultOf(name, { awayMs })]) }]
  }
  const draws = wholeNumber('draws', wanted.draws ?? (short ? '0' : '8'))
  const random = { name: 'random', faults: drawFaults(seed, draws) }
  const fixed = short ? [{ name: 'short', faults: shortRun() }] : fullRuns({ awayMs })
  return draws === 0 ? fixed : [...fixed, random]
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new SetupError(`--${name} ${text}: must be a whole number`)
}

main().catch((error: unknown) => {
  console.error(error instanceof SetupError ? error.message : error)
  process.exit(1)
})
