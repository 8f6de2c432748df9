// The whole of `npm run chaos`: an undisturbed run, then the same load under faults, each compared with it.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { installRoot } from '../../infra/local/config'
import { tryLock } from '../../services/runtime/lock'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { expectationOf, isComplete, judge, type Verdict } from '../evening/checks'
import { planDeliveries } from '../evening/clients'
import { eveningMs, writeEvening, type Evening } from '../evening/plot'
import { seededRandom } from '../evening/random'
import { plainModels, readErp, readTables } from '../evening/tables'
import { compare, untilAtRest } from './compare'
import { conduct, type Play, type Stage } from './conduct'
import { digestsQuery } from './differences'
import { readErpBooks, type ErpBooks } from './erp-books'
import { openInstallation, type Installation } from './installation'
import { failuresOf, machineText, versionsOf, writeReport, type Report } from './report'
import type { FreshnessBounds } from './recovery'
import type { Fault } from './scene'

export interface ChaosOptions {
  readonly seed: number
  readonly persons: number
  readonly onlookers: number
  /** Over how long an undisturbed run sends its load. */
  readonly seconds: number
  readonly runs: readonly {
    readonly name: string
    readonly faults: readonly (readonly Fault[])[]
  }[]
  readonly reportDirectory: string
  readonly keep: boolean
}

const undisturbed = 'undisturbed'
const runName = 'c'

export class Chaos {
  readonly #options: ChaosOptions
  readonly #began = Date.now()
  readonly #beganAt = Date.now() - eveningMs
  readonly #dataDirectory = join(installRoot(), `chaos-${process.pid}`)
  readonly #runs: Report['runs'][number][] = []
  #installation: Installation | null = null
  #close: (() => Promise<void>) | null = null

  constructor(options: ChaosOptions) {
    this.#options = options
  }

  /** @returns whether every run ended as the undisturbed one, and that one as it should */
  async run(): Promise<boolean> {
    const { seed, persons, onlookers, runs } = this.#options
    const evening = writeEvening({ seed, run: runName, persons, onlookers })
    const deliveries = planDeliveries(evening.acts, seededRandom(seed + 1))
    const expected = expectationOf(evening)
    removeAbandoned()
    const installation = await openInstallation({
      dataDirectory: this.#dataDirectory,
      progress: (line) => {
        this.#say(line)
      },
    })
    this.#installation = installation
    const play: Play = {
      ...{ installation, deliveries, beganAt: this.#beganAt },
      say: (line) => {
        this.#say(line)
      },
      opened: (close) => {
        this.#close = close
      },
    }
    this.#say(
      `the load: ${deliveries.length} requests, ${expected.touchpoints} touchpoints, ${expected.orders} orders`,
    )
    const reference = await this.#playUndisturbed(play, evening)
    let broken = ''
    try {
      for (const run of reference.verdict.failures.length === 0 ? runs : []) {
        await this.#playDisturbed(play, run, reference)
      }
    } catch (error) {
      broken = error instanceof Error ? error.message : String(error)
    }
    const { verdict, bounds, seconds, clickhouse } = reference
    const report: Report = {
      ...{ seed, broken, bounds, machine: machineText(), versions: versionsOf(clickhouse) },
      ...{ began: new Date(this.#began).toISOString(), runs: this.#runs },
      seconds: Math.round((Date.now() - this.#began) / 1_000),
      load: {
        ...{ touchpoints: expected.touchpoints, orders: expected.orders },
        ...{ sales: expected.erpOrders, requests: deliveries.length },
      },
      undisturbed: { seconds, failures: verdict.failures, summary: verdict.summary },
    }
    writeReport(this.#options.reportDirectory, report)
    this.#say(`the report: ${join(this.#options.reportDirectory, 'report.md')}`)
    const failures = failuresOf(report)
    for (const failure of failures) console.log(`FAILED ${failure}`)
    return failures.length === 0
  }

  async stop(): Promise<void> {
    await this.#close?.()
    await this.#installation?.close()
    if (this.#options.keep) {
      console.log(`data and logs are in ${this.#dataDirectory} until the next run`)
    } else rmSync(this.#dataDirectory, { recursive: true, force: true })
  }

  async #playUndisturbed(play: Play, evening: Evening): Promise<Reference> {
    const { seconds: paceSeconds } = this.#options
    this.#say('playing it undisturbed')
    const beganMs = Date.now()
    const stage = await conduct(
      play,
      { name: undisturbed, faults: [], paceSeconds, used: false },
      { tablesMs: 0, erpMs: 0 },
    )
    const { stack, secrets } = play.installation
    const { warehouse, erp } = stage.ground
    const erpSettings = { ...stack.erp, path: '/', timeoutMs: 60_000 }
    const look = async () => ({
      found: await readTables(warehouse, runName, plainModels),
      erp: await readErp(erpSettings, runName),
    })
    const open = await untilAtRest(stage.crew, async () => {
      const { found, erp: books } = await look()
      return isComplete(expectationOf(evening), found, books)
    })
    for (const one of open) this.#say(`still open: ${one}`)
    const seconds = Math.round((Date.now() - beganMs) / 100) / 10
    const seen = await look()
    const hash = createIdentifierHash(Buffer.from(secrets.identifierHashKey, 'base64'))
    const verdict = judge(evening, { ...seen, hash, seconds, training: null })
    const books = await readErpBooks(erp)
    const [version] = await warehouse.query<{ v: string }>('SELECT version() AS v')
    const freshestMs = Math.max(seen.found.freshness.p99, seen.found.orderFreshness.p99)
    const bounds = { tablesMs: Math.max(3_000, 2 * freshestMs), erpMs: 20_000 }
    await this.#leave(stage)
    this.#say(
      `undisturbed: ${verdict.failures.length === 0 ? 'as it should be' : 'NOT as it should be'}, ${seconds} s, p99 freshness ${freshestMs} ms`,
    )
    return { verdict, books, bounds, seconds, clickhouse: version?.v ?? '' }
  }

  async #playDisturbed(
    play: Play,
    run: ChaosOptions['runs'][number],
    reference: Reference,
  ): Promise<void> {
    this.#say(`run ${run.name}: ${run.faults.length} times something breaks`)
    const plan = { ...run, paceSeconds: this.#paceSeconds(), used: true }
    const stage = await conduct(play, plan, reference.bounds)
    const outcome = await compare(stage, { database: undisturbed, books: reference.books })
    await this.#leave(stage)
    this.#runs.push({ ...stage.record, ...outcome, query: digestsQuery(undisturbed, run.name) })
    this.#say(
      outcome.differences.length === 0
        ? `run ${run.name} equals the undisturbed one`
        : `run ${run.name} DIFFERS: ${outcome.differences.length} differences`,
    )
  }

  /** Beside its own time each fault gets this long: some before it, most to recover in under load. */
  #paceSeconds(): number {
    return Math.min(12, this.#options.seconds)
  }

  async #leave(stage: Stage): Promise<void> {
    this.#close = null
    await stage.close()
  }

  #say(line: string): void {
    const seconds = ((Date.now() - this.#began) / 1_000).toFixed(1)
    console.log(`${seconds.padStart(6)} s  ${line}`)
  }
}

/** What runs that were killed or asked to keep it have left: data whose owner is gone. */
function removeAbandoned(): void {
  mkdirSync(installRoot(), { recursive: true })
  for (const name of readdirSync(installRoot())) {
    if (!/^chaos-\d+$/.test(name)) continue
    const directory = join(installRoot(), name)
    if (typeof tryLock(join(directory, 'owner.lock')) === 'number') continue
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Reference {
  readonly verdict: Verdict
  readonly books: ErpBooks
  readonly bounds: FreshnessBounds
  readonly seconds: number
  readonly clickhouse: string
}
