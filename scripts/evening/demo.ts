// One run of the demo: the stack, the five services, the evening, and what became of it.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { standingDataDirectory, installRoot } from '../../infra/local/config'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { startOrJoinStack } from '../../infra/local/standing-stack'
import { connectWarehouse, type Warehouse } from '../../services/runtime/clickhouse'
import { applyMigrations } from '../../services/clickhouse-writer/migrations'
import { applyUsers } from '../../services/clickhouse-writer/users'
import { connectRegistry } from '../../services/runtime/codec'
import { SetupError } from '../../services/runtime/errors'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { createKafka, type KafkaClient } from '../../services/runtime/kafka'
import { createLogger } from '../../services/runtime/logger'
import { provision } from '../../services/runtime/provision'
import { defaultSettings } from '../../services/core/attribution/settings'
import type { TrainingOutcome } from '../../services/model-trainer/train-once'
import { expectationOf, isComplete, judge } from './checks'
import { deliver, planDeliveries, type Delivery, type Edges } from './clients'
import { Company, serviceNames, type ServiceName } from './company'
import { environmentOf } from './environment'
import { eveningMs, writeEvening, type Evening } from './plot'
import { figureFailures, readFigures } from './figure-counts'
import {
  expectedFigures,
  sheetsAfter,
  sheetsBefore,
  type FigureCounts,
  type FiguresOf,
  type Sheet,
} from './figure-sheets'
import { importSheets } from './import-sheets'
import { fixedPorts, freePorts, operationsPortOf, type DemoPorts } from './ports'
import { seededRandom } from './random'
import { printReport } from './report'
import { hasten } from './stage'
import { demoSecretsFile, readOrMakeSecrets, type DemoSecrets } from './secrets'
import { goneAfterMs, trainEvening, type EveningTraining } from './train-evening'
import { plainModels, readErp, readTables, type ErpFound, type Found } from './tables'

export interface DemoOptions {
  readonly once: boolean
  readonly seed: number
  readonly persons: number
  readonly seconds: number
  readonly beganAt: number | null
  readonly run: string | null
  readonly kill: string | null
  /** On a stack of its own, with any free ports and data that is removed in the end. */
  readonly throwaway: boolean
}

const settleTimeoutMs = 180_000
/** How much faster than life the evening is while it is watched. */
const liveTimes = 12

export class Demo {
  readonly #options: DemoOptions
  readonly #secrets: DemoSecrets
  readonly #began = Date.now()
  readonly #dataDirectory: string
  #ports: DemoPorts | null = null
  #stack: RunningStack | null = null
  #company: Company | null = null
  #warehouse: Warehouse | null = null

  constructor(options: DemoOptions) {
    if (options.kill !== null && !(serviceNames as readonly string[]).includes(options.kill)) {
      throw new SetupError(`--kill ${options.kill}: must be one of ${serviceNames.join(', ')}`)
    }
    this.#options = options
    this.#dataDirectory = options.throwaway
      ? join(installRoot(), `demo-${process.pid}`)
      : standingDataDirectory()
    this.#secrets = readOrMakeSecrets(demoSecretsFile())
  }

  /** @returns whether every check held; in live mode it returns only when stopped */
  async run(): Promise<boolean> {
    await this.#open()
    if (this.#options.once) return this.#playOnce()
    await this.#playLive()
    return true
  }

  async stop(): Promise<void> {
    await this.#company?.stop()
    await this.#warehouse?.close()
    await this.#stack?.stop()
    if (this.#options.throwaway) rmSync(this.#dataDirectory, { recursive: true, force: true })
  }

  async #open(): Promise<void> {
    this.#say('starting Kafka, the schema registry, ClickHouse and the ERP')
    const { throwaway } = this.#options
    const ports = throwaway ? await freePorts() : await fixedPorts()
    this.#ports = ports
    const hooks = {
      progress: (line: string) => {
        this.#say(line)
      },
      onPartDied: ({ name }: { name: string }) => {
        console.error(`${name} died; its log is in ${join(this.#dataDirectory, 'logs')}`)
      },
    }
    const stack = throwaway
      ? await startStack({ ...hooks, dataDirectory: this.#dataDirectory, ports: 'free' })
      : await startOrJoinStack(hooks)
    this.#stack = stack
    await this.#provision(stack)
    const premises = {
      ...{ addresses: stack, ports, secrets: this.#secrets },
      ...{ dataDirectory: this.#dataDirectory, database: 'tributary', users: true },
    }
    this.#company = new Company({
      logsDirectory: join(this.#dataDirectory, 'logs'),
      environment: (service) => environmentOf(premises, service),
      operationsPort: (service) => operationsPortOf(ports, service),
      onDeath: (service, words) => {
        console.error(`${service} died: ${words}`)
      },
    })
    await this.#company.start()
    this.#say('all five services are ready')
  }

  async #provision(stack: RunningStack): Promise<void> {
    const admin = await kafkaOf(stack).connectAdmin()
    const registry = connectRegistry(stack.registryUrl)
    await provision({ admin, registry, prefix: '', partitions: 4 })
    await admin.close()
    this.#warehouse = connectWarehouse({
      ...{ url: stack.clickhouseUrl, database: 'tributary', user: 'default', password: '' },
      timeoutMs: 30_000,
    })
    const layout = { database: 'tributary', cluster: '', deduplicationWindow: 10_000 }
    const applied = await applyMigrations(this.#warehouse, layout)
    await applyUsers(this.#warehouse, layout, this.#secrets.warehousePasswords)
    this.#say(`topics, schemas and tables are there${applied.length > 0 ? ' (made just now)' : ''}`)
  }

  async #playOnce(): Promise<boolean> {
    const beganAt = this.#options.beganAt ?? this.#began - eveningMs
    const run = this.#options.run ?? `e${beganAt.toString(36)}`
    const { seed, persons } = this.#options
    const evening = writeEvening({ seed, run, persons })
    const expected = expectationOf(evening)
    this.#say(
      `sending evening ${run}: ${expected.touchpoints} touchpoints, ${expected.orders} orders`,
    )
    const figures = { run, beganAt, lengthMs: eveningMs }
    await this.#import(sheetsBefore(figures))
    await this.#send(evening, beganAt)
    await this.#import(sheetsAfter(figures))
    this.#say('everything is sent and acknowledged; waiting until it has arrived everywhere')
    await this.#untilComplete(evening, plainModels)
    const training = await this.#train({
      validFrom: beganAt - goneAfterMs,
      // Whoever touched something in the evening has gone by then.
      ...{ until: beganAt + 2 * eveningMs, timeoutMs: goneAfterMs },
    })
    const { found, erp } = await this.#untilComplete(evening, defaultSettings.models.length)
    const counts = await this.#untilFigured(figures)
    const hash = createIdentifierHash(Buffer.from(this.#secrets.identifierHashKey, 'base64'))
    const seconds = Math.round((Date.now() - this.#began) / 100) / 10
    const verdict = judge(evening, { found, erp, hash, seconds, training })
    await printReport(this.#tables(), run, { found, erp })
    console.log()
    const failures = [...verdict.failures, ...figureFailures(expectedFigures(figures), counts)]
    for (const failure of failures) console.log(`FAILED: ${failure}`)
    const digests = await this.#digests()
    const ok = failures.length === 0
    console.log(JSON.stringify({ ...verdict.summary, figures: counts, digests, ok }))
    return ok
  }

  async #import(sheets: readonly Sheet[]): Promise<void> {
    const said = await importSheets(sheets, {
      directory: join(this.#dataDirectory, 'figures'),
      gatewayUrl: this.#edges().gatewayUrl,
      secret: this.#secrets.figureSecret,
    })
    for (const line of said) this.#say(`imported ${line}`)
  }

  async #untilFigured(of: FiguresOf): Promise<FigureCounts> {
    const expected = expectedFigures(of)
    const deadline = Date.now() + settleTimeoutMs
    for (;;) {
      const found = await readFigures(this.#tables(), of.run)
      if (figureFailures(expected, found).length === 0 || Date.now() > deadline) return found
      await pause(500)
    }
  }

  async #send(evening: Evening, beganAt: number): Promise<void> {
    const { seed, seconds, kill } = this.#options
    const deliveries = planDeliveries(evening.acts, seededRandom(seed + 1))
    const killAt = kill === null ? -1 : Math.floor(deliveries.length * 0.4)
    const perDeliveryMs = (seconds * 1_000) / deliveries.length
    const start = Date.now()
    const running = new Set<Promise<void>>()
    for (const [at, delivery] of deliveries.entries()) {
      if (at === killAt) await this.#killAndRestart(kill as ServiceName)
      const behind = start + at * perDeliveryMs - Date.now()
      if (behind > 0) await pause(behind)
      running.add(this.#deliver(delivery, beganAt, running))
      if (running.size >= 16) await Promise.race(running)
      if (at > 0 && at % Math.floor(deliveries.length / 4) === 0) {
        this.#say(`${at} of ${deliveries.length} requests answered`)
      }
    }
    await Promise.all(running)
  }

  async #deliver(delivery: Delivery, beganAt: number, running: Set<Promise<void>>): Promise<void> {
    const sent = deliver(delivery, this.#edges(), beganAt).finally(() => {
      running.delete(sent)
    })
    return sent
  }

  async #killAndRestart(service: ServiceName): Promise<void> {
    await this.#company?.kill(service)
    this.#say(`killed ${service} with kill -9`)
    this.#company?.startService(service)
  }

  async #train(
    when: Pick<EveningTraining, 'validFrom' | 'until' | 'timeoutMs'>,
  ): Promise<TrainingOutcome> {
    if (this.#stack === null) throw new Error('the stack is not running')
    const registry = connectRegistry(this.#stack.registryUrl)
    const kafka = kafkaOf(this.#stack)
    const training = await trainEvening({ kafka, registry, warehouse: this.#tables(), ...when })
    const { journeys, conversions } = training
    this.#say(
      training.trainings.length > 0
        ? `markov and shapley are trained from ${journeys} journeys, ${conversions} of them orders`
        : 'markov and shapley are not trained yet: there are no orders',
    )
    return training
  }

  /** @param models how many every paid order must have credits under */
  async #untilComplete(evening: Evening, models: number): Promise<{ found: Found; erp: ErpFound }> {
    const expected = expectationOf(evening)
    const deadline = Date.now() + settleTimeoutMs
    for (;;) {
      const found = await readTables(this.#tables(), evening.run, models)
      const erp = await readErp(this.#erp(), evening.run)
      if (isComplete(expected, found, erp) || Date.now() > deadline) return { found, erp }
      await pause(1_000)
    }
  }

  /** Evenings one after another, at the pace of life: what happens now is sent now. */
  async #playLive(): Promise<void> {
    const { seed, persons } = this.#options
    this.#say('the evening is on the air; Ctrl-C ends it')
    this.#printAddresses()
    const onAirSince = Date.now()
    let trained = false
    for (let round = 0; ; round += 1) {
      const beganAt = Date.now()
      const run = `l${beganAt.toString(36)}`
      // Three hours of an evening in fifteen minutes.
      const acts = hasten(writeEvening({ seed: seed + round, run, persons }).acts, liveTimes)
      const deliveries = planDeliveries(acts, seededRandom(seed + round + 1))
      const figures = { run, beganAt, lengthMs: eveningMs / liveTimes }
      await this.#import(sheetsBefore(figures))
      for (const [at, delivery] of deliveries.entries()) {
        const due = beganAt + Math.min(delivery.atMs, eveningMs)
        if (due > Date.now()) await pause(due - Date.now())
        await deliver(delivery, this.#edges(), beganAt)
        if (at % 200 !== 199) continue
        await this.#printProgress(run)
        // The first training is for all orders so far, the others for those to come.
        const now = Date.now()
        const { trainings } = await this.#train({
          ...{ validFrom: trained ? now : onAirSince, until: now, timeoutMs: goneAfterMs / 12 },
        })
        trained ||= trainings.length > 0
      }
      await this.#import(sheetsAfter(figures))
    }
  }

  async #printProgress(run: string): Promise<void> {
    const found = await readTables(this.#tables(), run, plainModels)
    const { touchpoints, ordersCredited, netMinor, freshness } = found
    this.#say(
      `${touchpoints} touchpoints, ${ordersCredited} orders credited, ${(netMinor / 100).toFixed(2)} CNY, fresh within ${freshness.p99} ms (p99)`,
    )
  }

  #printAddresses(): void {
    const stack = this.#stack
    const ports = this.#openPorts()
    if (stack === null) return
    console.log(
      `  collector      http://127.0.0.1:${ports.collector}/p.gif   http://127.0.0.1:${ports.collector}/collect`,
    )
    console.log(`  order-gateway  http://127.0.0.1:${ports.gateway}/orders/douyin`)
    console.log(
      `  ClickHouse     curl '${stack.clickhouseUrl}/?database=tributary' -d 'SELECT * FROM credits LIMIT 5 FORMAT Vertical'`,
    )
    console.log(`  ERP            ${stack.erp.url} (Tryton, user ${stack.erp.user})`)
    for (const service of serviceNames) {
      console.log(
        `  ${service.padEnd(18)} http://127.0.0.1:${operationsPortOf(ports, service)}/metrics`,
      )
    }
  }

  async #digests(): Promise<Record<string, string>> {
    const rows = await this.#tables().query<{ name: string; digest: string }>(
      'SELECT name, digest FROM tributary.table_digests ORDER BY name',
    )
    return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]))
  }

  #edges(): Edges {
    const ports = this.#openPorts()
    return {
      collectorUrl: `http://127.0.0.1:${ports.collector}`,
      gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
      writeKeys: this.#secrets.writeKeys,
      orderSecrets: this.#secrets.orderSecrets,
    }
  }

  #openPorts(): DemoPorts {
    if (this.#ports === null) throw new Error('the ports are not chosen')
    return this.#ports
  }

  #erp() {
    if (this.#stack === null) throw new Error('the stack is not running')
    const { url, database, user, password } = this.#stack.erp
    return { url, database, user, password, path: '/', timeoutMs: 30_000 }
  }

  #tables(): Warehouse {
    if (this.#warehouse === null) throw new Error('the warehouse is not open')
    return this.#warehouse
  }

  #say(line: string): void {
    const seconds = ((Date.now() - this.#began) / 1_000).toFixed(1)
    console.log(`${seconds.padStart(6)} s  ${line}`)
  }
}

function kafkaOf({ brokers }: RunningStack): KafkaClient {
  return createKafka({ brokers, clientId: 'demo', logger: createLogger('demo', 'silent') })
}
