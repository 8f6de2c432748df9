// The same stack as containers, for machines where a Docker engine answers: infra/compose.yaml through testcontainers.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DockerComposeEnvironment, getContainerRuntimeClient, Wait } from 'testcontainers'
import { findFreePorts } from '../../infra/local/config'
import { registryUrlOf, setRegistryCompatibility } from '../../infra/local/registry'
import type { StackAddresses } from '../../infra/local/stack'
import { projectDirectory } from '../../services/runtime/schemas'

/** Whether there is a Docker engine to start containers on. */
export function dockerAnswers(): Promise<boolean> {
  return getContainerRuntimeClient().then(
    () => true,
    () => false,
  )
}

/** Starts the four parts that the tests use, on free ports, each test run its own. */
export async function startContainers(): Promise<StackAddresses & { stop(): Promise<void> }> {
  const ports = await findFreePorts()
  const password = randomBytes(12).toString('base64url')
  const environment = await new DockerComposeEnvironment(
    join(projectDirectory(), 'infra'),
    'compose.yaml',
  )
    .withEnvironment({
      TRIBUTARY_KAFKA_PORT: String(ports.kafka),
      TRIBUTARY_REGISTRY_PORT: String(ports.registry),
      TRIBUTARY_CLICKHOUSE_PORT: String(ports.clickhouse),
      TRIBUTARY_ERP_PORT: String(ports.erp),
      TRIBUTARY_ERP_PASSWORD: password,
    })
    .withDefaultWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(300_000)
    .up(['kafka', 'registry', 'clickhouse', 'erp'])
  const registryUrl = registryUrlOf(ports.registry)
  await setRegistryCompatibility(registryUrl)
  return {
    brokers: [`127.0.0.1:${ports.kafka}`],
    registryUrl,
    clickhouseUrl: `http://127.0.0.1:${ports.clickhouse}`,
    erp: {
      url: `http://127.0.0.1:${ports.erp}`,
      database: 'erp',
      user: 'tributary-sink',
      password,
    },
    async stop() {
      await environment.down({ removeVolumes: true })
    },
  }
}
