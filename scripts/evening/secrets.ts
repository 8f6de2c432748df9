// The demo installation's secrets: made at random on the first run and kept in the git-ignored folder, since
// hashed identifiers and sealed buyers of earlier evenings must stay what they are.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installRoot } from '../../infra/local/config'
import type { WarehouseRole } from '../../services/core/warehouse/users'

export interface DemoSecrets {
  readonly identifierHashKey: string
  readonly sealKeys: string
  readonly sealKeyId: string
  readonly writeKeys: { readonly web: string; readonly rooms: string }
  readonly orderSecrets: { readonly douyin: string; readonly wechat: string }
  readonly figureSecret: string
  readonly warehousePasswords: Readonly<Record<WarehouseRole, string>>
}

export function demoSecretsFile(): string {
  return join(installRoot(), 'demo', 'secrets.json')
}

/** Those that were made; none before the first run. */
export function readSecrets(file: string): Partial<DemoSecrets> {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<DemoSecrets>) : {}
}

export function readOrMakeSecrets(file: string): DemoSecrets {
  const kept = readSecrets(file)
  const random = (): string => randomBytes(24).toString('hex')
  const key = (): string => randomBytes(32).toString('base64')
  const secrets: DemoSecrets = {
    identifierHashKey: key(),
    sealKeys: JSON.stringify({ first: key() }),
    sealKeyId: 'first',
    writeKeys: { web: random(), rooms: random() },
    orderSecrets: { douyin: random(), wechat: random() },
    figureSecret: random(),
    warehousePasswords: {
      ...{ owner: random(), writer: random() },
      ...{ ledger: random(), reader: random() },
    },
    // What a later version added is made, what an earlier run made is kept.
    ...kept,
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 })
  return secrets
}
