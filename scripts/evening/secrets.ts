// The demo installation's secrets: made at random on the first run and kept in the git-ignored folder, since
// hashed identifiers and sealed buyers of earlier evenings must stay what they are.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface DemoSecrets {
  readonly identifierHashKey: string
  readonly sealKeys: string
  readonly sealKeyId: string
  readonly writeKeys: { readonly web: string; readonly rooms: string }
  readonly orderSecrets: { readonly douyin: string; readonly wechat: string }
}

export function readOrMakeSecrets(file: string): DemoSecrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as DemoSecrets
  const random = (): string => randomBytes(24).toString('hex')
  const key = (): string => randomBytes(32).toString('base64')
  const secrets: DemoSecrets = {
    identifierHashKey: key(),
    sealKeys: JSON.stringify({ first: key() }),
    sealKeyId: 'first',
    writeKeys: { web: random(), rooms: random() },
    orderSecrets: { douyin: random(), wechat: random() },
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 })
  return secrets
}
