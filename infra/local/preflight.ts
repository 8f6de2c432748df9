// Looks before anything is half started: what is missing, too old, taken or full, in one line with its remedy.
import { SetupError } from '../../services/runtime/errors'
import { javaCommand, portVariables, type PortName, type StackPorts } from './config'
import { kafkaInstallation } from './kafka'
import { thisMachine, type Machine } from './machine'
import type { PartName } from './part'
import { registryInstallation } from './registry'

export interface PreflightOptions {
  readonly parts: readonly PartName[]
  readonly ports: StackPorts
  readonly installDirectory: string
  readonly dataDirectory: string
}

const gigabyte = 1024 ** 3
const diskToInstallBytes = 2 * gigabyte
const diskToRunBytes = gigabyte / 2
const memoryBytes: Readonly<Record<PartName, number>> = {
  kafka: 0.6 * gigabyte,
  registry: 0.35 * gigabyte,
  clickhouse: 0.6 * gigabyte,
  erp: 0.25 * gigabyte,
}

const portNames: Readonly<Record<PartName, readonly PortName[]>> = {
  kafka: ['kafka', 'kafkaController'],
  registry: ['registry'],
  clickhouse: ['clickhouse'],
  erp: ['erp'],
}

/** @throws SetupError with the first thing that is wrong and what to do about it */
export async function preflight(
  options: PreflightOptions,
  machine: Machine = thisMachine,
): Promise<void> {
  const fault =
    missingDirectory(options, machine) ??
    missingJava(options, machine) ??
    missingMaven(options, machine) ??
    missingPython(options, machine) ??
    missingSpace(options, machine) ??
    (await takenPort(options, machine))
  if (fault !== null) throw new SetupError(fault)
}

type Check = (options: PreflightOptions, machine: Machine) => string | null

const missingDirectory: Check = ({ installDirectory, dataDirectory }, machine) => {
  const directory = [installDirectory, dataDirectory].find((path) => !machine.isWritable(path))
  if (directory === undefined) return null
  return `${directory} is not writable: give this user the right to write there, or clone the project elsewhere`
}

const missingJava: Check = ({ parts }, machine) => {
  if (!parts.includes('kafka') && !parts.includes('registry')) return null
  const java = javaCommand()
  const remedy = 'install a JRE 17 or newer (Debian: `apt-get install openjdk-17-jre-headless`)'
  const version = machine.ask(java, ['-version'])
  if (version === null) return `Java is missing (\`${java} -version\` fails): ${remedy}`
  const major = Number(/version "(?:1\.)?(\d+)/.exec(version)?.[1])
  return major >= 17 ? null : `Java ${major || 'of an unknown version'} is too old: ${remedy}`
}

const missingMaven: Check = ({ parts, installDirectory }, machine) => {
  const installations = [
    ...(parts.includes('kafka') ? [kafkaInstallation(installDirectory)] : []),
    ...(parts.includes('registry') ? [registryInstallation(installDirectory)] : []),
  ]
  const missing = installations.some((directory) => !machine.isInstalled(directory))
  if (!missing) return null
  const remedy = 'install Maven 3.6 or newer (Debian: `apt-get install maven`)'
  const version = machine.ask('mvn', ['--version'])
  if (version === null) return `Maven is missing (\`mvn --version\` fails): ${remedy}`
  const [major = 0, minor = 0] =
    /Apache Maven (\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? []
  return major > 3 || (major === 3 && minor >= 6)
    ? null
    : `Maven ${major}.${minor} is too old: ${remedy}`
}

const missingPython: Check = ({ parts }, machine) => {
  if (!parts.includes('erp')) return null
  const remedy = 'install Python 3.10 or newer (Debian: `apt-get install python3 python3-venv`)'
  const version = machine.ask('python3', ['--version'])
  if (version === null) return `Python is missing (\`python3 --version\` fails): ${remedy}`
  const [major = 0, minor = 0] = /Python (\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? []
  if (major < 3 || (major === 3 && minor < 10)) {
    return `Python ${major}.${minor} is too old: ${remedy}`
  }
  if (machine.ask('python3', ['-c', 'import venv, ensurepip']) !== null) return null
  return `Python has no venv with pip: ${remedy}`
}

const missingSpace: Check = ({ parts, installDirectory, dataDirectory }, machine) => {
  const installed = machine.isInstalled(registryInstallation(installDirectory))
  const needed = installed ? diskToRunBytes : diskToInstallBytes
  const free = machine.freeDiskBytes(dataDirectory)
  if (free < needed) {
    return `the disk of ${dataDirectory} has ${inGigabytes(free)} left and the stack needs ${inGigabytes(needed)}: make room`
  }
  const memory = parts.reduce((sum, part) => sum + memoryBytes[part], 0)
  const available = machine.availableMemoryBytes()
  if (available >= memory) return null
  return `${inGigabytes(available)} of memory are available and the stack needs ${inGigabytes(memory)}: end other programs`
}

async function takenPort(options: PreflightOptions, machine: Machine): Promise<string | null> {
  for (const part of options.parts) {
    for (const name of portNames[part]) {
      const port = options.ports[name]
      if (await machine.portIsFree(port)) continue
      return `port ${port}, on which ${part} is to listen, is taken: end what listens there or set ${portVariables[name]} to another port`
    }
  }
  return null
}

function inGigabytes(bytes: number): string {
  return `${(bytes / gigabyte).toFixed(1)} GB`
}
