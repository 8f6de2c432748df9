// Where the local stack keeps its things and on which ports it listens, with what the environment says instead.
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { projectDirectory } from '../../services/runtime/schemas'

export interface StackPorts {
  readonly kafka: number
  /** The broker's own quorum; no client uses it. */
  readonly kafkaController: number
  readonly registry: number
  readonly clickhouse: number
  readonly erp: number
}

export type PortName = keyof StackPorts

const fixedPorts: StackPorts = {
  kafka: 9092,
  kafkaController: 9093,
  registry: 8081,
  clickhouse: 8123,
  erp: 8000,
}

export const portVariables: Readonly<Record<PortName, string>> = {
  kafka: 'TRIBUTARY_KAFKA_PORT',
  kafkaController: 'TRIBUTARY_KAFKA_CONTROLLER_PORT',
  registry: 'TRIBUTARY_REGISTRY_PORT',
  clickhouse: 'TRIBUTARY_CLICKHOUSE_PORT',
  erp: 'TRIBUTARY_ERP_PORT',
}

/** Downloads and prepared installations; made once, shared by every run. */
export function installRoot(): string {
  return join(projectDirectory(), '.local')
}

/** What `npm run stack -- up` and the demo leave behind and find again; elsewhere with TRIBUTARY_STACK_DIRECTORY. */
export function standingDataDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return resolve(environment['TRIBUTARY_STACK_DIRECTORY'] ?? join(installRoot(), 'stack'))
}

/** @throws SetupError for a port in the environment that is none */
export function readFixedPorts(environment: NodeJS.ProcessEnv = process.env): StackPorts {
  return mapPorts((name) => {
    const given = environment[portVariables[name]]
    const port = given === undefined ? fixedPorts[name] : Number(given)
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port
    throw new SetupError(`${portVariables[name]}=${given ?? ''} is not a port`)
  })
}

/** Ports nobody listens on at the moment, for runs that must not meet. */
export async function findFreePorts(): Promise<StackPorts> {
  const found = await findFreePortNumbers(Object.keys(fixedPorts).length)
  return mapPorts((_name, index) => found[index] ?? 0)
}

/** As many different ports that nobody listens on at the moment. */
export async function findFreePortNumbers(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const found = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          })
        }),
    ),
  )
  // Only now: closed one by one, the same port could be found twice.
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return found
}

/** Java of JAVA_HOME, else the one on the path. */
export function javaCommand(environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['JAVA_HOME'] ?? ''
  return home === '' ? 'java' : join(home, 'bin', 'java')
}

function mapPorts(portOf: (name: PortName, index: number) => number): StackPorts {
  return {
    kafka: portOf('kafka', 0),
    kafkaController: portOf('kafkaController', 1),
    registry: portOf('registry', 2),
    clickhouse: portOf('clickhouse', 3),
    erp: portOf('erp', 4),
  }
}
