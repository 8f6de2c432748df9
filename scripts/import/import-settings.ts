// Where an import sends, and as whom: what the environment says, else the gateway that scripts/demo runs here.
import { z } from 'zod'
import { loadConfig } from '../../services/runtime/config'
import { fixedDemoPorts } from '../evening/ports'
import { demoSecretsFile, readSecrets } from '../evening/secrets'
import { figuresSource } from '../evening/clients'

const settings = {
  GATEWAY_URL: z.url().transform((url) => url.replace(/\/+$/, '')),
  IMPORT_SOURCE: z.string().min(1),
  IMPORT_SECRET: z.string().min(16),
}

export interface ImportTarget {
  readonly url: string
  readonly source: string
  readonly secret: string
}

/** @throws SetupError naming what is missing or wrong */
export function readTarget(
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void = console.error,
): ImportTarget {
  const isGiven = (name: string): boolean =>
    (environment[name] ?? '') !== '' || (environment[`${name}_FILE`] ?? '') !== ''
  const config = Object.keys(settings).some(isGiven)
    ? loadConfig(settings, environment)
    : loadConfig(settings, demoGateway(environment, say))
  return { url: config.GATEWAY_URL, source: config.IMPORT_SOURCE, secret: config.IMPORT_SECRET }
}

function demoGateway(
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): NodeJS.ProcessEnv {
  const { figureSecret } = readSecrets(demoSecretsFile())
  const port = environment['TRIBUTARY_GATEWAY_PORT'] ?? String(fixedDemoPorts.gateway)
  const url = `http://127.0.0.1:${port}`
  const names = Object.keys(settings).join(', ')
  say(`none of ${names} is set: the demo's gateway on this machine is meant (${url})`)
  return {
    GATEWAY_URL: url,
    IMPORT_SOURCE: figuresSource,
    ...(figureSecret === undefined ? {} : { IMPORT_SECRET: figureSecret }),
  }
}
