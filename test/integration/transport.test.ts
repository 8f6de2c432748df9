// A broker and a registry that let nobody in who is not encrypted and known, and what a service does there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { findFreePortNumbers, installRoot } from '../../infra/local/config'
import { kafkaPart, prepareKafka } from '../../infra/local/kafka'
import { runPart, untilReady, type RunningPart } from '../../infra/local/run-part'
import { touchpointKey } from '../../services/core/identity/node'
import { topics } from '../../services/core/topics'
import { kafkaSettings, loadConfig } from '../../services/runtime/config'
import { DependencyError } from '../../services/runtime/errors'
import { createHealth } from '../../services/runtime/health'
import { createLogger } from '../../services/runtime/logger'
import { retry } from '../../services/runtime/retry'
import { kafkaFrom, registryFrom, type KafkaConfig } from '../../services/runtime/transport'
import { anOrder, aTouchpoint } from '../given'
import { TestBroker } from '../support/broker'
import { anAuthority, signedBy, type Certificate } from '../support/certificates'
import { ServiceProcess } from '../support/service-process'
import { stackFromEnvironment } from '../support/stack'
import { until } from '../support/until'

const user = 'tributary'
const password = 'right-password'

let directory: string
let part: RunningPart
let registry: Server
let broker: TestBroker
let client: Certificate
let loginPort: number
let certificatePort: number

beforeAll(async () => {
  mkdirSync(installRoot(), { recursive: true })
  directory = mkdtempSync(join(installRoot(), 'test-transport-'))
  const authority = await anAuthority('test authority')
  const server = await signedBy(authority, 'server')
  client = await signedBy(authority, 'service')
  writeFileSync(join(directory, 'authority.pem'), authority.certificate)
  writeFileSync(join(directory, 'stranger.pem'), (await anAuthority('stranger')).certificate)
  writeFileSync(join(directory, 'client.pem'), client.certificate)
  writeFileSync(join(directory, 'client.key'), client.key)
  writeFileSync(join(directory, 'password'), `${password}\n`)
  const [port = 0, controllerPort = 0, ...secured] = await findFreePortNumbers(4)
  ;[loginPort = 0, certificatePort = 0] = secured
  const jars = await prepareKafka(installRoot(), () => undefined)
  part = runPart(
    kafkaPart({
      ...{ jars, dataDirectory: join(directory, 'kafka'), port, controllerPort },
      secure: {
        ...{ loginPort, certificatePort, user, password },
        ...{ ...server, authority: authority.certificate },
      },
    }),
    join(directory, 'kafka.log'),
  )
  await untilReady(part)
  registry = await guardRegistry(server)
  const { registryUrl } = stackFromEnvironment()
  broker = await new TestBroker({ brokers: [`127.0.0.1:${port}`], registryUrl }).open()
})

afterAll(async () => {
  await broker.close()
  registry.closeAllConnections()
  registry.close()
  await part.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** The real registry behind an encrypted door with a password. */
async function guardRegistry({ certificate, key }: Certificate): Promise<Server> {
  const { registryUrl } = stackFromEnvironment()
  const known = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const server = createServer({ cert: certificate, key }, (request, response) => {
    if (request.headers.authorization !== known) {
      response.writeHead(401).end('{"error_code":401,"message":"who are you?"}')
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = chunks.length === 0 ? null : Buffer.concat(chunks)
      void fetch(registryUrl.replace(/\/apis.*/, '') + (request.url ?? ''), {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        body,
      }).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'application/json' })
        response.end(await answer.text())
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const file = (name: string): string => join(directory, name)

function environment(changes: Record<string, string> = {}): Record<string, string> {
  const guarded = new URL(stackFromEnvironment().registryUrl)
  guarded.protocol = 'https:'
  guarded.port = String((registry.address() as AddressInfo).port)
  return {
    ...broker.environment(),
    KAFKA_BROKERS: `127.0.0.1:${loginPort}`,
    KAFKA_TLS: 'true',
    KAFKA_TLS_CA_FILE: file('authority.pem'),
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USER: user,
    KAFKA_SASL_PASSWORD_FILE: file('password'),
    REGISTRY_URL: guarded.href,
    REGISTRY_CA_FILE: file('authority.pem'),
    REGISTRY_USER: user,
    REGISTRY_PASSWORD_FILE: file('password'),
    ...changes,
  }
}

const configured = (changes: Record<string, string> = {}): KafkaConfig =>
  loadConfig(kafkaSettings, environment(changes))

const kafkaOf = (config: KafkaConfig) =>
  kafkaFrom(config, { name: 'test', logger: createLogger('test', 'silent') })

async function failure(action: () => Promise<unknown>): Promise<unknown> {
  return action().then(
    () => null,
    (error: unknown) => error,
  )
}

async function carriesRecords(config: KafkaConfig): Promise<void> {
  const kafka = kafkaOf(config)
  const topic = config.TOPIC_PREFIX + topics.findings.name
  const producer = await kafka.connectTransactionalProducer({
    transactionalId: `${topic}-${config.KAFKA_SASL_MECHANISM ?? 'certificate'}`,
    transactionTimeoutMs: 10_000,
  })
  const value = Buffer.from(config.KAFKA_SASL_MECHANISM ?? 'certificate')
  await producer.transact([{ topic, partition: 0, key: 'k', value }])
  await producer.close()
  const seen: string[] = []
  const consumer = await kafka.runConsumer({
    groupId: `${topic}-${String(value)}`,
    topics: [topic],
    onAssigned: () => undefined,
    onBatch: ({ records }) => {
      seen.push(...records.map((record) => String(record.value)))
    },
    onCrash: (error) => {
      throw error
    },
  })
  await until(() => seen.includes(String(value)))
  await consumer.close()
}

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
  'who logs in by %s over an encrypted connection writes in transactions and reads',
  async (mechanism) => {
    await carriesRecords(configured({ KAFKA_SASL_MECHANISM: mechanism }))
  },
)

const byCertificate = (): Record<string, string> => ({
  KAFKA_BROKERS: `127.0.0.1:${certificatePort}`,
  ...{ KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USER: '', KAFKA_SASL_PASSWORD_FILE: '' },
  KAFKA_SASL_PASSWORD: '',
})

test('who shows a certificate needs no password', async () => {
  await carriesRecords(
    configured({
      ...byCertificate(),
      KAFKA_TLS_CERT_FILE: file('client.pem'),
      KAFKA_TLS_KEY_FILE: file('client.key'),
    }),
  )
})

const unwell: readonly (readonly [string, () => Record<string, string>, RegExp])[] = [
  [
    'a broker whose authority is another one',
    () => ({ KAFKA_TLS_CA_FILE: file('stranger.pem') }),
    /unable to verify.*KAFKA_TLS_CA/,
  ],
  [
    'a password that is wrong',
    () => ({ KAFKA_SASL_PASSWORD: 'wrong' }),
    /authentication failed.*KAFKA_SASL_PASSWORD/i,
  ],
  ['a broker that asks for a certificate', byCertificate, /certificate.*KAFKA_TLS_CERT/],
  [
    'a broker that takes encrypted connections only',
    () => ({ KAFKA_TLS: 'false', KAFKA_TLS_CA_FILE: '' }),
    /kafka: /,
  ],
]

test.each(unwell)(
  '%s is a dependency unwell, and readiness says what to look at',
  async (_what, changes, words) => {
    const health = createHealth(() => undefined)
    const connect = (): Promise<unknown> => kafkaOf(configured(changes())).connectAdmin()
    const error = await failure(() => retry(connect, { health, attempts: 2 }))
    expect(error).toBeInstanceOf(DependencyError)
    expect(health.faults().join()).toMatch(words)
  },
)

test('a registry behind an encrypted door with a password is asked with both', async () => {
  expect(await registryFrom(configured()).topicCodec(topics.orders)).toBeDefined()
})

test.each([
  ['a wrong password', () => ({ REGISTRY_PASSWORD: 'wrong' }), /REGISTRY_PASSWORD/],
  [
    'another authority',
    () => ({ REGISTRY_CA_FILE: file('stranger.pem') }),
    /unable to verify the first certificate/,
  ],
])('%s is no answer of the registry', async (_what, changes, words) => {
  const registryOf = registryFrom(configured(changes()))
  const error = await failure(() => registryOf.topicCodec(topics.orders))
  expect(error).toBeInstanceOf(DependencyError)
  expect(String(error)).toMatch(words)
})

test('a stream processor attributes an order over encrypted connections only', async () => {
  const processor = new ServiceProcess(
    'stream-processor',
    environment({ STATE_DIRECTORY: file('state') }),
  )
  await processor.start()
  try {
    const credited = await broker.watch(topics.attributedOrders)
    const order = anOrder()
    const touch = aTouchpoint()
    await broker.write(topics.touchpoints, [[touchpointKey(touch), touch]])
    await broker.write(topics.orders, [[order.order_key, order]])
    await until(
      () => credited.records.length > 0,
      () => processor.output(),
    )
    expect(processor.output()).not.toMatch(password)
  } finally {
    await processor.stop()
  }
})
