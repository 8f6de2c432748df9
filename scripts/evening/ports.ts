// The ports of the demo's five services: fixed, so that their addresses can be looked at, or what the
// environment says; any free ones for a throw-away run.
import { findFreePortNumbers } from '../../infra/local/config'
import { thisMachine } from '../../infra/local/machine'
import { SetupError } from '../../services/runtime/errors'
import type { ServiceName } from './company'

export const fixedDemoPorts = {
  collector: 8080,
  gateway: 8082,
  collectorOperations: 9101,
  gatewayOperations: 9102,
  processorOperations: 9103,
  writerOperations: 9104,
  sinkOperations: 9105,
} as const

export type DemoPorts = Readonly<Record<keyof typeof fixedDemoPorts, number>>

const operations = {
  collector: 'collectorOperations',
  'order-gateway': 'gatewayOperations',
  'stream-processor': 'processorOperations',
  'clickhouse-writer': 'writerOperations',
  'erp-sink': 'sinkOperations',
} as const satisfies Record<ServiceName, keyof DemoPorts>

/** Where `service` answers /live, /ready and /metrics. */
export function operationsPortOf(ports: DemoPorts, service: ServiceName): number {
  return ports[operations[service]]
}

const names = Object.keys(fixedDemoPorts) as (keyof typeof fixedDemoPorts)[]

/** @throws SetupError naming a port that is taken or is none, and the variable that changes it */
export async function fixedPorts(environment: NodeJS.ProcessEnv = process.env): Promise<DemoPorts> {
  const ports: Record<string, number> = {}
  for (const name of names) {
    const variable = `TRIBUTARY_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}_PORT`
    const port = Number(environment[variable] ?? fixedDemoPorts[name])
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new SetupError(`${variable}=${environment[variable] ?? ''} is not a port`)
    }
    if (!(await thisMachine.portIsFree(port))) {
      throw new SetupError(
        `port ${port}, on which the demo's ${name} is to listen, is taken: end what listens there or set ${variable} to another port`,
      )
    }
    ports[name] = port
  }
  return ports as DemoPorts
}

export async function freePorts(): Promise<DemoPorts> {
  const found = await findFreePortNumbers(names.length)
  return Object.fromEntries(names.map((name, at) => [name, found[at]])) as DemoPorts
}
