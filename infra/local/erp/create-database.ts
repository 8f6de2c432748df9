// Makes the pristine database: the modules' tables by trytond-admin, all else over JSON-RPC by a server that
// runs for as long as this takes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { TrytonRpc } from '../../../services/erp-sink/tryton-rpc'
import { SetupError } from '../../../services/runtime/errors'
import { findFreePortNumbers } from '../config'
import { ErpAdmin } from './erp-admin'
import { boundServerCommand, databaseName, serverAnswers, writeServerConfig } from './erp-server'
import { runCommand } from './run-command'
import { setUpCompany } from './set-up-company'
import { setUpShop } from './set-up-shop'
import { setUpSinkUser } from './set-up-sink-user'

export interface DatabaseOptions {
  readonly python: string
  /** The venv's script; run through python, since its own first line knows only where it was made. */
  readonly administrator: string
  readonly directory: string
  readonly adminPassword: string
  readonly sinkPassword: string
  readonly nowMs: number
}

const modules = ['sale', 'web_shop', 'marketing_campaign']
const startDeadlineMs = 30_000

/** Fills `directory` with a database that is ready for the sink. Gives the path of its file. */
export async function createDatabase(options: DatabaseOptions): Promise<string> {
  const config = writeServerConfig(options.directory)
  const database = join(options.directory, `${databaseName}.sqlite`)
  // Tryton takes a database only where a file is.
  writeFileSync(database, '')
  const passwordFile = join(options.directory, 'admin.password')
  writeFileSync(passwordFile, options.adminPassword, { mode: 0o600 })
  await runCommand(
    options.python,
    [
      options.administrator,
      ...['-d', databaseName],
      ...['-u', ...modules, '--activate-dependencies'],
      ...['--email', 'admin@example.invalid'],
    ],
    { TRYTOND_CONFIG: config, TRYTONPASSFILE: passwordFile },
  )
  await withServer({ python: options.python, config }, async (port) => {
    await setUp(port, options)
  })
  rmSync(passwordFile)
  return database
}

async function setUp(port: number, options: DatabaseOptions): Promise<void> {
  const rpc = new TrytonRpc(
    {
      url: `http://127.0.0.1:${port}`,
      database: databaseName,
      path: '/',
      user: 'admin',
      password: options.adminPassword,
      timeoutMs: 60_000,
    },
    { now: () => Date.now(), called: () => undefined },
  )
  const admin = new ErpAdmin(rpc)
  const company = await setUpCompany(admin, options.nowMs)
  await setUpShop(admin, company, options.nowMs)
  await setUpSinkUser(admin, { password: options.sinkPassword, company: company.company })
  await rpc.logout()
}

async function withServer(
  server: { readonly python: string; readonly config: string },
  use: (port: number) => Promise<void>,
): Promise<void> {
  const port = (await findFreePortNumbers(1))[0] ?? 0
  const { command, args, env } = boundServerCommand(server.python, { config: server.config, port })
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(child, 'exit')
  try {
    const deadline = Date.now() + startDeadlineMs
    while (!(await serverAnswers(port).catch(() => false))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new SetupError('the ERP server does not start on its new database')
      }
      await pause(100)
    }
    await use(port)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}
