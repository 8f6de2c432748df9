// The schema registry: Apicurio, whose Confluent interface is at /apis/ccompat/v7.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../services/runtime/errors'
import { javaCommand } from './config'
import { installOnce, runMaven } from './install'
import { answersOk, type Part } from './part'

const registryVersion = '3.0.9'
// This old version on purpose: newer ones insist on reading a parent pom that is not on Maven Central.
const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:2.10'

/** @returns the directory of the unpacked archive */
export async function prepareRegistry(
  installDirectory: string,
  progress: (line: string) => void,
): Promise<string> {
  const artifact = `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`
  return installOnce({
    directory: registryInstallation(installDirectory),
    title: `Schema registry (Apicurio ${registryVersion})`,
    progress,
    install: (making) =>
      runMaven(
        [
          ...[`${dependencyPlugin}:unpack`, `-Dartifact=${artifact}`],
          `-DoutputDirectory=${join(making, 'app')}`,
        ],
        making,
      ),
  })
}

export function registryInstallation(installDirectory: string): string {
  return join(installDirectory, `registry-${registryVersion}`)
}

export function registryPart(options: {
  readonly installation: string
  readonly dataDirectory: string
  readonly port: number
}): Part {
  const { installation, dataDirectory, port } = options
  const jar = join(installation, 'app', `apicurio-registry-app-${registryVersion}-runner.jar`)
  if (!existsSync(jar)) {
    throw new SetupError(`${jar} is missing: remove ${installation} and start again`)
  }
  mkdirSync(dataDirectory, { recursive: true })
  return {
    name: 'registry',
    command: javaCommand(),
    args: ['-Xmx384m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-jar', jar],
    env: {
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'h2',
      // Without the delay that H2 takes by default, what was acknowledged survives a kill.
      APICURIO_DATASOURCE_URL: `jdbc:h2:file:${join(dataDirectory, 'registry')};WRITE_DELAY=0`,
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(port),
      QUARKUS_LOG_LEVEL: 'WARN',
    },
    cwd: dataDirectory,
    ready: () => answersOk(`${registryUrlOf(port)}/subjects`),
  }
}

export function registryUrlOf(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`
}

/** The registry's own default accepts every change; schemas here only ever change both ways compatibly. */
export async function setRegistryCompatibility(url: string): Promise<void> {
  const response = await fetch(`${url}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ compatibility: 'FULL_TRANSITIVE' }),
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok) {
    throw new SetupError(`the registry refused FULL_TRANSITIVE: ${await response.text()}`)
  }
}
