// The stack without Docker: broker, schema registry, warehouse and ERP as child processes that never outlive their owner.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { clickhousePart, clickhouseUrlOf } from './clickhouse'
import { findFreePorts, installRoot, readFixedPorts, type StackPorts } from './config'
import { erpAccess, erpPart, prepareErp, type ErpAccess } from './erp/erp'
import { kafkaPart, prepareKafka } from './kafka'
import { lockOrHolder, withLock } from '../../services/runtime/lock'
import { partNames, type Part, type PartName } from './part'
import { preflight } from './preflight'
import { prepareRegistry, registryPart, registryUrlOf, setRegistryCompatibility } from './registry'
import { runPart, untilReady, type PartDeath, type RunningPart } from './run-part'

export interface StackOptions {
  /** Kept from run to run; logs are in `logs/` below it. */
  readonly dataDirectory: string
  /** Fixed: 9092, 8081, 8123, 8000 or what the environment says. Free: any, for runs that must not meet. */
  readonly ports: 'fixed' | 'free'
  /** All of them when not given. */
  readonly parts?: readonly PartName[]
  /** Further properties of the broker. */
  readonly kafkaProperties?: Readonly<Record<string, string>>
  /** Told of a part that ends although nobody asked it to; the others go on. */
  readonly onPartDied?: (death: PartDeath) => void
  readonly progress?: (line: string) => void
}

/** Where clients find the parts. */
export interface StackAddresses {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly clickhouseUrl: string
  readonly erp: ErpAccess
}

export interface RunningStack extends StackAddresses {
  readonly ports: StackPorts
  readonly logsDirectory: string
  /** Ends every part that this process owns and waits until all have gone. */
  stop(): Promise<void>
  /** In order; not reported as a death. */
  stopPart(name: PartName): Promise<void>
  /** As by `kill -9`; not reported as a death. */
  killPart(name: PartName): Promise<void>
  /** Starts a part that was stopped or killed or has died, on its old data and port, and waits until it is ready. */
  startPart(name: PartName): Promise<void>
}

/**
 * Installs what is missing, starts all parts at once and waits until every one does its work.
 * @throws SetupError in one readable line when the machine lacks something or a part does not come up; nothing is left running then
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { dataDirectory, parts = partNames, progress = () => undefined } = options
  const release = await lockOrHolder(join(dataDirectory, 'owner.lock'))
  if (typeof release !== 'function') {
    throw new SetupError(
      `the stack in ${dataDirectory} already runs, owned by process ${release.pid}: stop that one first (\`npm run stack -- down\`, or Ctrl-C where it runs)`,
    )
  }
  const running = new Map<PartName, RunningPart>()
  const begin = (part: Part): Promise<void> => startOne(part, { options, running })
  const released = (name: PartName): RunningPart | undefined => {
    const part = running.get(name)
    running.delete(name)
    return part
  }
  const stopAll = async (): Promise<void> => {
    const all = [...running.values()]
    running.clear()
    await Promise.all(all.map((part) => part.stop()))
    release()
  }
  try {
    const ports = options.ports === 'fixed' ? readFixedPorts() : await findFreePorts()
    const installDirectory = installRoot()
    await preflight({ parts, ports, installDirectory, dataDirectory })
    const { kafkaProperties = {} } = options
    const describe = describers({
      ...{ dataDirectory, installDirectory, ports, progress, kafkaProperties },
    })
    // All are waited for, so that no part is still being started when the others are stopped.
    const attempts = parts.map(async (name) => begin(await describe[name]()))
    await Promise.allSettled(attempts)
    await Promise.all(attempts)
    return {
      ...addressesOf(ports),
      ports,
      logsDirectory: join(dataDirectory, 'logs'),
      stop: stopAll,
      async stopPart(name) {
        await released(name)?.stop()
      },
      async killPart(name) {
        await released(name)?.kill()
      },
      startPart: async (name) => begin(await describe[name]()),
    }
  } catch (error) {
    await stopAll()
    throw error
  }
}

/** The addresses that `ports` mean. */
export function addressesOf(ports: StackPorts): StackAddresses {
  const erpDirectory = join(installRoot(), 'erp')
  // Where the ERP's password is made at first use, be it before the ERP itself.
  mkdirSync(erpDirectory, { recursive: true })
  return {
    brokers: [`127.0.0.1:${ports.kafka}`],
    registryUrl: registryUrlOf(ports.registry),
    clickhouseUrl: clickhouseUrlOf(ports.clickhouse),
    erp: erpAccess(erpDirectory, ports.erp),
  }
}

interface DescribeOptions {
  readonly dataDirectory: string
  readonly installDirectory: string
  readonly ports: StackPorts
  readonly progress: (line: string) => void
  readonly kafkaProperties: Readonly<Record<string, string>>
}

function describers(options: DescribeOptions): Record<PartName, () => Promise<Part>> {
  const { installDirectory, ports, progress } = options
  const dataOf = (name: PartName): string => join(options.dataDirectory, name)
  return {
    kafka: async () =>
      kafkaPart({
        jars: await prepareKafka(installDirectory, progress),
        dataDirectory: dataOf('kafka'),
        port: ports.kafka,
        controllerPort: ports.kafkaController,
        properties: options.kafkaProperties,
      }),
    registry: async () =>
      registryPart({
        installation: await prepareRegistry(installDirectory, progress),
        dataDirectory: dataOf('registry'),
        port: ports.registry,
      }),
    clickhouse: () =>
      Promise.resolve(
        clickhousePart({ dataDirectory: dataOf('clickhouse'), port: ports.clickhouse }),
      ),
    erp: async () => {
      const directory = join(installDirectory, 'erp')
      const prepare = (): ReturnType<typeof prepareErp> =>
        prepareErp({ installDirectory: directory, progress })
      const prepared = await withLock(`${directory}.lock`, prepare)
      return erpPart(prepared, { dataDirectory: dataOf('erp'), port: ports.erp })
    },
  }
}

async function startOne(
  part: Part,
  { options, running }: { options: StackOptions; running: Map<PartName, RunningPart> },
): Promise<void> {
  const startedAtMs = Date.now()
  const started = runPart(part, join(options.dataDirectory, 'logs', `${part.name}.log`))
  running.set(part.name, started)
  await untilReady(started)
  if (part.name === 'registry') await setRegistryCompatibility(registryUrlOfPart(part))
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1)
  options.progress?.(`${part.name}: ready after ${seconds} s`)
  void started.ended.then((death) => {
    if (running.get(part.name) !== started) return
    running.delete(part.name)
    options.onPartDied?.(death)
  })
}

function registryUrlOfPart(part: Part): string {
  return registryUrlOf(Number(part.env['QUARKUS_HTTP_PORT']))
}
