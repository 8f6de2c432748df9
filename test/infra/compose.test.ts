// The containers cannot run everywhere the tests do; that they are the same versions on the same ports can be read.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { portVariables, readFixedPorts } from '../../infra/local/config'
import { partNames } from '../../infra/local/part'

const infra = join(__dirname, '..', '..', 'infra')
const compose = readFileSync(join(infra, 'compose.yaml'), 'utf8')

test.each([
  ['kafka', /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/, 'local/kafka/pom.xml', 'apache/kafka'],
  ['registry', /registryVersion = '([^']+)'/, 'local/registry.ts', 'apicurio/apicurio-registry'],
])('%s is of one version with and without Docker', (_part, version, file, image) => {
  const local = version.exec(readFileSync(join(infra, file), 'utf8'))?.[1]
  expect(compose).toContain(`image: ${image}:${local ?? 'of no version'}\n`)
})

test('ClickHouse is of one release with and without Docker', () => {
  const lock = readFileSync(join(infra, '..', 'package-lock.json'), 'utf8')
  const engine = /"node_modules\/@chdb\/lib-linux-x64-gnu": \{\s*"version": "(\d+\.\d+)/.exec(
    lock,
  )?.[1]
  expect(compose).toContain(`image: clickhouse/clickhouse-server:${engine ?? 'of no version'}\n`)
})

test.each(partNames)('%s listens on the port that the local stack would take', (part) => {
  const port = readFixedPorts({})[part]
  expect(compose).toContain(`'127.0.0.1:\${${portVariables[part]}:-${port}}:`)
})
