// Which installation a command means: the one that the environment names, else the stack of this machine, as `scripts/demo`
// and `npm run stack` start it.
import { readFixedPorts } from '../infra/local/config'
import { addressesOf } from '../infra/local/stack'
import { findStandingStack } from '../infra/local/standing-stack'
import { demoSecretsFile, readSecrets } from './evening/secrets'

const parts = ['KAFKA_BROKERS', 'REGISTRY_URL', 'CLICKHOUSE_URL'] as const

/**
 * The environment as it is where it names any part, so that an installation half described is never completed from
 * another; else with the addresses of this machine's stack and the key of the demo's identifiers, which is said.
 */
export function addressed(
  environment: NodeJS.ProcessEnv = process.env,
  say: (line: string) => void = console.error,
): NodeJS.ProcessEnv {
  const isGiven = (name: string): boolean =>
    (environment[name] ?? '') !== '' || (environment[`${name}_FILE`] ?? '') !== ''
  if (parts.some(isGiven)) return environment
  const { brokers, registryUrl, clickhouseUrl } =
    findStandingStack() ?? addressesOf(readFixedPorts())
  say(
    `none of ${parts.join(', ')} is set: this machine's stack is meant (${brokers.join(',')}, ${clickhouseUrl})`,
  )
  const key = isGiven('IDENTIFIER_HASH_KEY')
    ? undefined
    : readSecrets(demoSecretsFile()).identifierHashKey
  return {
    ...environment,
    KAFKA_BROKERS: brokers.join(','),
    REGISTRY_URL: registryUrl,
    CLICKHOUSE_URL: clickhouseUrl,
    ...(key === undefined ? {} : { IDENTIFIER_HASH_KEY: key }),
  }
}
