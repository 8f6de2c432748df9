// Which installation the commands of an operator mean.
import { addressed } from '../../scripts/addressed'

let said: string[]
beforeEach(() => {
  said = []
})

const say = (line: string): void => {
  said.push(line)
}

test('without settings every part of the stack of this machine is meant, and that is said', () => {
  const here = { TRIBUTARY_STACK_DIRECTORY: '/nowhere', TRIBUTARY_KAFKA_PORT: '19092' }
  const environment = addressed({ ...here }, say)
  expect(environment).toMatchObject({
    ...here,
    KAFKA_BROKERS: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
    REGISTRY_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+/) as string,
    CLICKHOUSE_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+/) as string,
  })
  expect(said.join()).toContain(environment['KAFKA_BROKERS'])
})

test.each(['KAFKA_BROKERS', 'REGISTRY_URL', 'CLICKHOUSE_URL', 'CLICKHOUSE_URL_FILE'])(
  'an installation of which %s is given is not completed from this machine',
  (name) => {
    expect(addressed({ [name]: 'given' }, say)).toEqual({ [name]: 'given' })
    expect(said).toEqual([])
  },
)

test('a key of identifiers that is given is not replaced by that of the demo', () => {
  expect(addressed({ IDENTIFIER_HASH_KEY: 'mine' }, say)).toMatchObject({
    IDENTIFIER_HASH_KEY: 'mine',
  })
})
