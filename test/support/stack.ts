// Where the tests' real parts are; started by start-stack.ts unless the environment names them.

export interface TestStack {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly clickhouseUrl: string
  readonly erp: TestErp
}

export interface TestErp {
  readonly url: string
  readonly database: string
  readonly user: string
  readonly password: string
}

/** @throws when the stack is not there: an integration test never passes by not running */
export function stackFromEnvironment(): TestStack {
  return {
    brokers: given('TEST_KAFKA_BROKERS').split(','),
    registryUrl: given('TEST_REGISTRY_URL'),
    clickhouseUrl: given('TEST_CLICKHOUSE_URL'),
    // Asked for when it is used, so that tests of the pipeline run where no ERP is given.
    get erp() {
      return {
        url: given('TEST_ERP_URL'),
        database: given('TEST_ERP_DATABASE'),
        user: given('TEST_ERP_USER'),
        password: given('TEST_ERP_PASSWORD'),
      }
    },
  }
}

function given(name: string): string {
  const value = process.env[name] ?? ''
  if (value !== '') return value
  throw new Error(
    `${name} is not set: run \`npm run test:integration\`, which starts the stack, or set it to a running part`,
  )
}
