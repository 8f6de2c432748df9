import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaSettings, loadConfig } from '../../services/runtime/config'
import { SetupError } from '../../services/runtime/errors'
import { createLogger } from '../../services/runtime/logger'
import {
  kafkaFrom,
  kafkaSecurity,
  registryFrom,
  type KafkaConfig,
} from '../../services/runtime/transport'
import { warehouseOptions, warehouseSettings } from '../../services/runtime/warehouse-settings'
import { anAuthority, type Certificate } from '../support/certificates'

let one: Certificate
let other: Certificate
beforeAll(async () => {
  one = await anAuthority('one')
  other = await anAuthority('other')
})

const least = { KAFKA_BROKERS: 'a:1', REGISTRY_URL: 'http://r', CLICKHOUSE_URL: 'http://c' }

function configured(environment: Readonly<Record<string, string>>): KafkaConfig {
  return loadConfig(kafkaSettings, { ...least, ...environment })
}

const clientOf = (config: KafkaConfig) =>
  kafkaFrom(config, { name: 'test', logger: createLogger('test', 'silent') })

test('without settings connections are neither encrypted nor logged in', () => {
  expect(kafkaSecurity(configured({}))).toEqual({ tls: null, sasl: null })
})

test('an encrypted login carries what was given and nothing else', () => {
  const config = configured({
    KAFKA_TLS: 'true',
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USER: 'u',
    KAFKA_SASL_PASSWORD: 'p',
  })
  expect(kafkaSecurity(config)).toEqual({
    tls: {},
    sasl: { mechanism: 'plain', username: 'u', password: 'p' },
  })
})

test.each<[string, () => Record<string, string>, string]>([
  [
    'an authority without encryption',
    () => ({ KAFKA_TLS_CA: one.certificate }),
    'configuration: KAFKA_TLS_CA: given, but KAFKA_TLS is not true',
  ],
  [
    'a certificate without its key',
    () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CERT: one.certificate }),
    'configuration: KAFKA_TLS_KEY: missing, since KAFKA_TLS_CERT is given',
  ],
  [
    'the key of another certificate',
    () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CERT: one.certificate, KAFKA_TLS_KEY: other.key }),
    'configuration: KAFKA_TLS_KEY: is not the unencrypted PEM key of KAFKA_TLS_CERT',
  ],
  [
    'a user alone',
    () => ({ KAFKA_SASL_USER: 'u' }),
    'configuration: KAFKA_SASL_MECHANISM: missing, since KAFKA_SASL_USER is given; KAFKA_SASL_PASSWORD: missing, since KAFKA_SASL_USER is given',
  ],
  [
    'a path where a certificate belongs',
    () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CA: '/etc/authority.pem' }),
    'configuration: KAFKA_TLS_CA: must be a certificate in PEM, or the path of one in the same setting with _FILE',
  ],
  [
    'an unknown mechanism',
    () => ({ KAFKA_SASL_MECHANISM: 'gssapi' }),
    'configuration: KAFKA_SASL_MECHANISM: Invalid option: expected one of "plain"|"scram-sha-256"|"scram-sha-512"',
  ],
  [
    'an authority of a registry that is not encrypted',
    () => ({ REGISTRY_CA: one.certificate }),
    'configuration: REGISTRY_CA: given, but REGISTRY_URL is not https',
  ],
  [
    'a password of a registry without a user',
    () => ({ REGISTRY_PASSWORD: 'secret' }),
    'configuration: REGISTRY_USER: missing, since REGISTRY_PASSWORD is given',
  ],
  [
    'an authority of a ClickHouse that is not encrypted',
    () => ({ CLICKHOUSE_CA: one.certificate }),
    'configuration: CLICKHOUSE_CA: given, but CLICKHOUSE_URL is not https',
  ],
])('%s is refused by name before anything connects', (_what, environment, words) => {
  const connect = (): void => {
    const config = configured(environment())
    clientOf(config)
    registryFrom(config)
    warehouseOptions(loadConfig(warehouseSettings, { ...least, ...environment() }))
  }
  expect(connect).toThrow(SetupError)
  expect(connect).toThrow(new SetupError(words))
})

test('services and scripts reach Kafka and the registry through the settings only', () => {
  const root = join(__dirname, '..', '..')
  const files = ['services', 'scripts'].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  const past = files.filter((file) =>
    /\b(createKafka|connectRegistry)\(/.test(readFileSync(file, 'utf8')),
  )
  const itself = /^services\/runtime\/(codec|kafka|transport)\.ts$/
  // They own the stack that they connect to.
  const owners = /^scripts\/(evening\/demo|(chaos|bench)\/[a-z-]+)\.ts$/
  const names = past.map((file) => file.slice(root.length + 1))
  expect(names.filter((name) => !itself.test(name) && !owners.test(name))).toEqual([])
})
