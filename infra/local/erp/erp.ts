// The ERP of the local stack: Tryton 7.0 with a prepared database, installed once and copied per run.
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../../services/runtime/errors'
import { projectDirectory } from '../../../services/runtime/schemas'
import { createDatabase } from './create-database'
import {
  databaseName,
  serverAnswers,
  serverCommand,
  writeServerConfig,
  type ServerCommand,
} from './erp-server'
import { runCommand } from './run-command'
import { sinkUser } from './set-up-sink-user'

export interface PreparedErp {
  readonly installDirectory: string
  readonly python: string
  /** The pristine database file, never opened by a server. */
  readonly database: string
}

/** What a client of the ERP needs. */
export interface ErpAccess {
  /** http://host:port, without the database. */
  readonly url: string
  readonly database: string
  readonly user: string
  readonly password: string
}

/** The ERP's process before it runs; the shape of every part of the local stack. */
export interface ErpPart extends ServerCommand {
  readonly name: 'erp'
  readonly cwd: string
  ready(): Promise<boolean>
}

/**
 * Installs the packages and prepares the database, each only when it is not there yet. Everything is made beside its place
 * and renamed into it, so an interruption leaves nothing half made.
 * @throws SetupError with the remedy when Python or its packages cannot be had
 */
export async function prepareErp(options: {
  readonly installDirectory: string
  readonly progress: (line: string) => void
}): Promise<PreparedErp> {
  const { installDirectory, progress } = options
  mkdirSync(installDirectory, { recursive: true })
  const packages = await preparePackages(installDirectory, progress)
  const python = pythonOf(packages)
  const directory = join(installDirectory, `database-${fingerprintOf(sourcesOfDatabase())}`)
  const database = join(directory, `${databaseName}.sqlite`)
  if (!existsSync(directory)) {
    progress('preparing the ERP database (once, about 40 s)')
    await replaceWhole(directory, async (making) => {
      await createDatabase({
        python,
        administrator: join(packages, 'bin', 'trytond-admin'),
        directory: making,
        adminPassword: passwordOf(installDirectory, 'admin'),
        sinkPassword: passwordOf(installDirectory, sinkUser),
        nowMs: Date.now(),
      })
    })
  }
  removeLeftovers(installDirectory, directory)
  return { installDirectory, python, database }
}

/** Copies the pristine database into `dataDirectory` when there is none, and describes the process to run. */
export function erpPart(
  prepared: PreparedErp,
  options: { readonly dataDirectory: string; readonly port: number },
): Promise<ErpPart> {
  const { dataDirectory, port } = options
  const config = writeServerConfig(dataDirectory)
  const database = join(dataDirectory, `${databaseName}.sqlite`)
  if (!existsSync(database)) {
    const making = `${database}.making`
    copyFileSync(prepared.database, making)
    renameSync(making, database)
  }
  return Promise.resolve({
    name: 'erp',
    ...serverCommand(prepared.python, { config, port }),
    cwd: dataDirectory,
    ready: () => serverAnswers(port),
  })
}

/** Where the ERP on `port` is reached, and the sink's own user there. */
export function erpAccess(installDirectory: string, port: number): ErpAccess {
  return {
    url: `http://127.0.0.1:${port}`,
    database: databaseName,
    user: sinkUser,
    password: passwordOf(installDirectory, sinkUser),
  }
}

/** The administrator's access, for people and for tests that must see more than the sink may. */
export function erpAdminAccess(installDirectory: string, port: number): ErpAccess {
  const password = passwordOf(installDirectory, 'admin')
  return { ...erpAccess(installDirectory, port), user: 'admin', password }
}

async function preparePackages(
  installDirectory: string,
  progress: (line: string) => void,
): Promise<string> {
  const requirements = join(erpDirectory(), 'requirements.txt')
  const fingerprint = fingerprintOf([requirements])
  const directory = join(installDirectory, `packages-${fingerprint}`)
  if (existsSync(directory)) return directory
  const python = await findPython()
  progress('installing the ERP (once, about 10 s)')
  await replaceWhole(directory, async (making) => {
    await runCommand(python, ['-m', 'venv', making])
    await runCommand(pythonOf(making), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'],
      ...['--no-deps', '-r', requirements],
    ])
  })
  return directory
}

async function findPython(): Promise<string> {
  const check = 'import sys, venv, ensurepip; print(sys.version_info >= (3, 10))'
  for (const python of ['python3', 'python']) {
    const answer = await runCommand(python, ['-c', check]).catch(() => '')
    if (answer.trim() === 'True') return python
  }
  throw new SetupError(
    'the ERP needs Python 3.10 or newer with venv: install python3 and python3-venv',
  )
}

/** Makes a directory beside its place and renames it into it. */
async function replaceWhole(
  directory: string,
  make: (making: string) => Promise<void>,
): Promise<void> {
  // Its own name: what an interrupted one started may still be writing.
  const making = `${directory}.${process.pid}.making`
  await make(making)
  renameSync(making, directory)
}

/** Packages of an earlier version may still run; a database that nobody copies any more serves nobody. */
function removeLeftovers(installDirectory: string, database: string): void {
  for (const name of readdirSync(installDirectory)) {
    const path = join(installDirectory, name)
    const left = name.startsWith('database-') || name.endsWith('.making')
    if (left && path !== database) rmSync(path, { recursive: true, force: true })
  }
}

/** Made at first use and kept, so that databases copied earlier go on taking it. */
function passwordOf(installDirectory: string, user: string): string {
  const file = join(installDirectory, `${user}.password`)
  if (!existsSync(file)) {
    const making = `${file}.making`
    writeFileSync(making, randomBytes(24).toString('base64url'), { mode: 0o600 })
    chmodSync(making, 0o600)
    renameSync(making, file)
  }
  return readFileSync(file, 'utf8')
}

function pythonOf(packages: string): string {
  return join(packages, 'bin', 'python')
}

function erpDirectory(): string {
  return join(projectDirectory(), 'infra', 'local', 'erp')
}

/** What the prepared database depends on, as source in both the checkout and its build. */
function sourcesOfDatabase(): string[] {
  const setUp = readdirSync(erpDirectory()).filter((name) =>
    /^(set-up-.*\.ts|requirements\.txt)$/.test(name),
  )
  return [...setUp.sort(), 'create-database.ts'].map((name) => join(erpDirectory(), name))
}

function fingerprintOf(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}
