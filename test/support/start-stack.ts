// jest's global set-up of the integration tests: a stack of their own on free ports with data that is thrown away, as
// containers where a Docker engine answers, else as local processes. Parts that the environment names are used as they are.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { installRoot } from '../../infra/local/config'
import { tryLock } from '../../services/runtime/lock'
import { partNames, type PartName } from '../../infra/local/part'
import { describeDeath } from '../../infra/local/run-part'
import { startStack, type StackAddresses } from '../../infra/local/stack'
import { projectDirectory } from '../../services/runtime/schemas'
import { dockerAnswers, startContainers } from './containers'

export interface StartedStack {
  stop(): Promise<void>
}

declare global {
  /** Handed from the set-up to the tear-down, which share nothing else. */
  var tributaryTestStack: StartedStack | undefined
}

const namedBy: Readonly<Record<PartName, string>> = {
  kafka: 'TEST_KAFKA_BROKERS',
  registry: 'TEST_REGISTRY_URL',
  clickhouse: 'TEST_CLICKHOUSE_URL',
  erp: 'TEST_ERP_URL',
}

// jest asks for a default export here.
// eslint-disable-next-line no-restricted-syntax
export default async function startTestStack(): Promise<void> {
  execFileSync('bash', [join(projectDirectory(), 'scripts', 'prepare')], { stdio: 'inherit' })
  const parts = partNames.filter((name) => (process.env[namedBy[name]] ?? '') === '')
  if (parts.length === 0) return
  const started =
    (await dockerAnswers()) && parts.length === partNames.length
      ? await startContainers()
      : await startLocally(parts)
  globalThis.tributaryTestStack = started
  announce(started, parts)
}

async function startLocally(parts: readonly PartName[]): Promise<StartedStack & StackAddresses> {
  removeAbandonedData()
  const dataDirectory = join(installRoot(), `test-${process.pid}`)
  mkdirSync(dataDirectory, { recursive: true })
  const stack = await startStack({
    dataDirectory,
    ports: 'free',
    parts,
    progress: (line) => {
      process.stderr.write(`${line}\n`)
    },
    onPartDied: (death) => {
      process.stderr.write(`${describeDeath(death)}\n`)
    },
  })
  return {
    ...stack,
    async stop() {
      await stack.stop()
      // Whoever starts meanwhile may be taking it away as abandoned.
      rmSync(dataDirectory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

// What runs that were killed have left: data whose owner is gone.
function removeAbandonedData(): void {
  mkdirSync(installRoot(), { recursive: true })
  for (const name of readdirSync(installRoot())) {
    if (!/^test-\d+$/.test(name)) continue
    const directory = join(installRoot(), name)
    if (typeof tryLock(join(directory, 'owner.lock')) === 'number') continue
    rmSync(directory, { recursive: true, force: true })
  }
}

function announce(stack: StackAddresses, parts: readonly PartName[]): void {
  const found: Record<PartName, Readonly<Record<string, string>>> = {
    kafka: { TEST_KAFKA_BROKERS: stack.brokers.join(',') },
    registry: { TEST_REGISTRY_URL: stack.registryUrl },
    clickhouse: { TEST_CLICKHOUSE_URL: stack.clickhouseUrl },
    erp: {
      TEST_ERP_URL: stack.erp.url,
      TEST_ERP_DATABASE: stack.erp.database,
      TEST_ERP_USER: stack.erp.user,
      TEST_ERP_PASSWORD: stack.erp.password,
    },
  }
  for (const part of parts) Object.assign(process.env, found[part])
}
