// `npm run bench -- [name…] [--json] [--rounds n] [--quick]`: how fast it is, each figure beside a ceiling measured in the
// same round on the same machine. Absolute figures move from machine to machine; ratios and growth are what to compare.
import { parseArgs } from 'node:util'
import { attributionBench } from './bench/attribution'
import type { Bench } from './bench/bench'
import { collectorBench } from './bench/collector'
import { freshnessBench } from './bench/freshness'
import { growthBench } from './bench/growth'
import { processorBench } from './bench/processor'
import { describeMachine, loadOfMachine } from './bench/machine'
import { queriesBench } from './bench/queries'
import { writerBench } from './bench/writer'
import { printFigures, Sheet } from './bench/sheet'

const benches: readonly Bench[] = [
  collectorBench,
  processorBench,
  writerBench,
  freshnessBench,
  growthBench,
  queriesBench,
  attributionBench,
]

const options = {
  json: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '3' },
  /** Small amounts: shows that a bench runs, not how fast. */
  quick: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
} as const

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const rounds = Number(values.rounds)
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
  if (values.list || unknown.length > 0 || !Number.isSafeInteger(rounds) || rounds < 1) {
    for (const name of unknown) console.error(`no bench is named ${name}`)
    for (const { name, says } of benches) console.error(`${name.padEnd(12)} ${says}`)
    return values.list ? 0 : 2
  }
  const chosen = benches.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  )
  const machine = describeMachine()
  const reports = []
  for (const bench of chosen) {
    const sheet = new Sheet()
    const loadBefore = loadOfMachine()
    console.error(`\n── ${bench.name}: ${bench.says}`)
    const say = (line: string): void => {
      console.error(`   ${line}`)
    }
    await bench.run({ sheet, rounds, quick: values.quick, say })
    const figures = sheet.figures()
    for (const line of printFigures(figures)) console.error(line)
    const settings = { rounds, ...sheet.settings(), load_before: loadBefore }
    reports.push({ bench: bench.name, says: bench.says, settings, figures })
  }
  if (values.json) console.log(JSON.stringify({ machine, quick: values.quick, reports }, null, 2))
  return 0
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(error)
    process.exitCode = 1
  },
)
