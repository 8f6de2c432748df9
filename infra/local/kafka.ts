// The broker: Kafka in KRaft mode, one node that is broker and controller, from the jars on Maven Central.
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { projectDirectory } from '../../services/runtime/schemas'
import { javaCommand } from './config'
import { installOnce, runMaven } from './install'
import { scramUsers, secureProperties, type SecureListeners } from './kafka/secure-listeners'
import type { Part } from './part'

const kafkaVersion = '4.3.0'
const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

/** @returns the directory of the jars */
export async function prepareKafka(
  installDirectory: string,
  progress: (line: string) => void,
): Promise<string> {
  return installOnce({
    directory: kafkaInstallation(installDirectory),
    title: `Kafka ${kafkaVersion}`,
    progress,
    install: (making) =>
      runMaven(
        [
          ...['-f', join(kafkaSources(), 'pom.xml'), `${dependencyPlugin}:copy-dependencies`],
          ...['-DincludeScope=runtime', `-DoutputDirectory=${making}`],
        ],
        making,
      ),
  })
}

/** Named after the version and what else the pom asks for. */
export function kafkaInstallation(installDirectory: string): string {
  const pom = readFileSync(join(kafkaSources(), 'pom.xml'))
  const fingerprint = createHash('sha256').update(pom).digest('hex').slice(0, 8)
  return join(installDirectory, `kafka-${kafkaVersion}-${fingerprint}`)
}

/** Formats `dataDirectory` when it is new, and describes the broker on it. */
export function kafkaPart(options: {
  readonly jars: string
  readonly dataDirectory: string
  readonly port: number
  readonly controllerPort: number
  readonly secure?: SecureListeners
  /** Of the broker, beside or instead of those it has here. */
  readonly properties?: Readonly<Record<string, string>>
}): Part {
  const { jars, dataDirectory, port, secure } = options
  const java = javaCommand()
  const properties = join(dataDirectory, 'server.properties')
  const logDirectory = join(dataDirectory, 'data')
  mkdirSync(dataDirectory, { recursive: true })
  writeFileSync(properties, propertiesOf(options, logDirectory))
  const classes = ['-cp', join(jars, '*')]
  const logging = `-Dlog4j2.configurationFile=${join(kafkaSources(), 'log4j2.properties')}`
  if (!existsSync(join(logDirectory, 'meta.properties'))) {
    // Half formatted by a run that was killed.
    rmSync(logDirectory, { recursive: true, force: true })
    const cluster = randomBytes(16).toString('base64url').replace(/^-/, 'a')
    const users = secure === undefined ? [] : scramUsers(secure)
    const format = ['format', '--standalone', '-t', cluster, '-c', properties, ...users]
    const tool = spawnSync(java, [...classes, logging, 'kafka.tools.StorageTool', ...format])
    if (tool.status !== 0) {
      throw new SetupError(
        `Kafka could not format ${logDirectory}: ${tool.stderr.toString().trim()}`,
      )
    }
  }
  return {
    name: 'kafka',
    command: java,
    args: ['-Xms256m', '-Xmx768m', ...jitOptions(), ...classes, logging, 'kafka.Kafka', properties],
    env: {},
    cwd: dataDirectory,
    ready: () => kafkaAnswers(port),
  }
}

/** Asks the broker which requests it takes; it answers that as soon as it serves clients. */
export function kafkaAnswers(port: number): Promise<boolean> {
  const apiVersions = 18
  const request = Buffer.alloc(14)
  request.writeInt32BE(10, 0)
  request.writeInt16BE(apiVersions, 4)
  request.writeInt32BE(1, 8)
  request.writeInt16BE(-1, 12)
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 })
    const answer = (ready: boolean): void => {
      socket.destroy()
      resolve(ready)
    }
    socket.once('connect', () => socket.write(request))
    socket.once('data', (data) => {
      answer(data.length >= 10 && data.readInt32BE(4) === 1 && data.readInt16BE(8) === 0)
    })
    socket.once('error', () => {
      answer(false)
    })
    socket.once('timeout', () => {
      answer(false)
    })
    socket.once('close', () => {
      answer(false)
    })
  })
}

function kafkaSources(): string {
  return join(projectDirectory(), 'infra', 'local', 'kafka')
}

function propertiesOf(options: Parameters<typeof kafkaPart>[0], logDirectory: string): string {
  const secure =
    options.secure === undefined ? null : secureProperties(options.secure, options.dataDirectory)
  const plain = `PLAINTEXT://127.0.0.1:${options.port}`
  const client = secure === null ? plain : `${plain},${secure.listeners}`
  const protocols = secure === null ? '' : `,${secure.protocols}`
  const controller = `127.0.0.1:${options.controllerPort}`
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `listeners=${client},CONTROLLER://${controller}`,
    `advertised.listeners=${client}`,
    'controller.listener.names=CONTROLLER',
    `controller.quorum.bootstrap.servers=${controller}`,
    `listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    ...(secure?.lines ?? []),
    `log.dirs=${logDirectory}`,
    'auto.create.topics.enable=false',
    // One node: internal topics cannot be copied, and few partitions start quickly.
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=4',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=4',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'share.coordinator.state.topic.num.partitions=1',
    // Nobody else is about to join a group here, and a killed member should be missed within a second or two.
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    // After a kill the broker waits until its former self is thought dead; the default is 9 s.
    'broker.session.timeout.ms=5000',
    'broker.heartbeat.interval.ms=1000',
    // A dead letter carries four times the largest input; a topic sets its own limit below this one.
    'message.max.bytes=8388608',
    'log.cleaner.dedupe.buffer.size=33554432',
    'log.index.size.max.bytes=1048576',
    // The last one of a name counts.
    ...Object.entries(options.properties ?? {}).map(([name, value]) => `${name}=${value}`),
    '',
  ].join('\n')
}

/** A broker of an evening spends more on compiling than compiling well gains; one that is measured does not. */
function jitOptions(environment: NodeJS.ProcessEnv = process.env): string[] {
  return environment['TRIBUTARY_KAFKA_JIT'] === 'full'
    ? ['-XX:+UseG1GC']
    : ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
}
