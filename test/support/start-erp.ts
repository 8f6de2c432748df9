// A throw-away ERP of one test file: its own process on its own copy of the prepared database.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePortNumbers } from '../../infra/local/config'
import {
  erpAccess,
  erpAdminAccess,
  erpPart,
  prepareErp,
  type ErpAccess,
} from '../../infra/local/erp/erp'
import { TrytonRpc, type TrytonSettings } from '../../services/erp-sink/tryton-rpc'
import { projectDirectory } from '../../services/runtime/schemas'
import { until } from './until'

export interface RunningErp {
  readonly sink: ErpAccess
  readonly admin: ErpAccess
  /** Ends the process at once, as a failing machine would. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it and throws the database away. */
  remove(): Promise<void>
}

export async function startErp(): Promise<RunningErp> {
  const installDirectory = join(projectDirectory(), '.local', 'erp')
  const prepared = await prepareErp({ installDirectory, progress: () => undefined })
  const dataDirectory = mkdtempSync(join(tmpdir(), 'tributary-erp-'))
  const port = (await findFreePortNumbers(1))[0] ?? 0
  let child: ChildProcess | null = null
  const end = (): void => {
    child?.kill('SIGKILL')
  }
  process.once('exit', end)
  const kill = async (): Promise<void> => {
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null) return
    const exited = once(ending, 'exit')
    ending.kill('SIGKILL')
    await exited
  }
  const start = async (): Promise<void> => {
    const part = await erpPart(prepared, { dataDirectory, port })
    const env = { ...process.env, ...part.env }
    child = spawn(part.command, part.args, { env, stdio: 'ignore' })
    await until(() => part.ready().catch(() => false))
  }
  await start()
  return {
    sink: erpAccess(installDirectory, port),
    admin: erpAdminAccess(installDirectory, port),
    kill,
    start,
    remove: async () => {
      await kill()
      process.removeListener('exit', end)
      rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
}

/** A client of the ERP as one of its users. */
export function rpcAs(access: ErpAccess, changes: Partial<TrytonSettings> = {}): TrytonRpc {
  return new TrytonRpc(
    { ...access, path: '/', timeoutMs: 20_000, ...changes },
    { now: () => Date.now(), called: () => undefined },
  )
}
