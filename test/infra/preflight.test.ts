import { join } from 'node:path'
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { StackPorts } from '../../infra/local/config'
import { readFixedPorts } from '../../infra/local/config'
import { thisMachine, type Machine } from '../../infra/local/machine'
import { partNames } from '../../infra/local/part'
import { preflight } from '../../infra/local/preflight'

const gigabyte = 1024 ** 3
const ports: StackPorts = {
  kafka: 9092,
  kafkaController: 9093,
  registry: 8081,
  clickhouse: 8123,
  erp: 8000,
}

const versions: Readonly<Record<string, string>> = {
  'java -version': 'openjdk version "17.0.15" 2025-04-15',
  'mvn --version': 'Apache Maven 3.8.7',
  'python3 --version': 'Python 3.11.7',
  'python3 -c import venv, ensurepip': '',
}

interface Given extends Partial<Machine> {
  readonly versions?: Readonly<Record<string, string | null>>
}

function aMachine({ versions: changed = {}, ...given }: Given = {}): Machine {
  const answers: Readonly<Record<string, string | null>> = { ...versions, ...changed }
  return {
    ask: (command, args) => answers[[command, ...args].join(' ')] ?? null,
    portIsFree: () => Promise.resolve(true),
    freeDiskBytes: () => 100 * gigabyte,
    availableMemoryBytes: () => 16 * gigabyte,
    isWritable: () => true,
    isInstalled: () => false,
    ...given,
  }
}

function check(machine: Machine, parts = partNames.slice()): Promise<void> {
  const directories = { installDirectory: '/clone/.local', dataDirectory: '/clone/.local/stack' }
  return preflight({ parts, ports, ...directories }, machine)
}

let javaHome: string | undefined
beforeAll(() => {
  javaHome = process.env['JAVA_HOME']
  delete process.env['JAVA_HOME']
})
afterAll(() => {
  if (javaHome !== undefined) process.env['JAVA_HOME'] = javaHome
})

test('a machine that has everything passes', async () => {
  await expect(check(aMachine())).resolves.toBeUndefined()
})

test.each([
  [{ 'java -version': null }, /^Java is missing .*install a JRE 17/],
  [{ 'java -version': 'openjdk version "11.0.2"' }, /^Java 11 is too old: install/],
  [{ 'java -version': 'java version "1.8.0_292"' }, /^Java 8 is too old: install/],
  [{ 'mvn --version': null }, /^Maven is missing .*install Maven/],
  [{ 'mvn --version': 'Apache Maven 3.3.9' }, /^Maven 3\.3 is too old: install/],
  [{ 'python3 --version': null }, /^Python is missing .*install Python/],
  [{ 'python3 --version': 'Python 3.9.2' }, /^Python 3\.9 is too old: install/],
  [{ 'python3 -c import venv, ensurepip': null }, /^Python has no venv.*python3-venv/],
])('a program that is missing or too old is named with its remedy: %j', async (changed, words) => {
  await expect(check(aMachine({ versions: changed }))).rejects.toThrow(words)
})

test.each([
  [{ freeDiskBytes: () => gigabyte }, /has 1\.0 GB left and the stack needs 2\.0 GB: make room/],
  [{ availableMemoryBytes: () => gigabyte }, /^1\.0 GB of memory .* needs 1\.8 GB: end other/],
  [
    { isWritable: (path: string) => !path.endsWith('stack') },
    /^\/clone\/\.local\/stack is not writable/,
  ],
])('too little room is said with how much is needed', async (given, words) => {
  await expect(check(aMachine(given))).rejects.toThrow(words)
})

test.each([
  [8081, 'registry', 'TRIBUTARY_REGISTRY_PORT'],
  [9093, 'kafka', 'TRIBUTARY_KAFKA_CONTROLLER_PORT'],
])(
  'the taken port %i is named with its part and the variable that moves it',
  async (port, part, variable) => {
    const machine = aMachine({ portIsFree: (asked) => Promise.resolve(asked !== port) })
    await expect(check(machine)).rejects.toThrow(
      new RegExp(
        `^port ${port}, on which ${part} is to listen, is taken: .* set ${variable} to another`,
      ),
    )
  },
)

test('what is installed needs no Maven, and what is left out needs nothing', async () => {
  const noMaven = aMachine({ versions: { 'mvn --version': null }, isInstalled: () => true })
  await expect(check(noMaven)).resolves.toBeUndefined()
  const bare = aMachine({ ask: () => null })
  await expect(check(bare, ['clickhouse'])).resolves.toBeUndefined()
})

test('a port in the environment replaces the usual one, and what is no port is refused by name', () => {
  expect(readFixedPorts({ TRIBUTARY_ERP_PORT: '18000' })).toEqual({ ...ports, erp: 18000 })
  expect(() => readFixedPorts({ TRIBUTARY_ERP_PORT: 'eight' })).toThrow(/TRIBUTARY_ERP_PORT=eight/)
})

test('this machine is asked truthfully', async () => {
  const server = await listening()
  const { port } = server.address() as AddressInfo
  expect(await thisMachine.portIsFree(port)).toBe(false)
  await new Promise((resolve) => server.close(resolve))
  expect(await thisMachine.portIsFree(port)).toBe(true)
  expect(thisMachine.ask(process.execPath, ['--version'])).toContain(process.version)
  expect(thisMachine.ask('no-such-program', ['--version'])).toBeNull()
  expect(thisMachine.isWritable(join(__filename, 'below', 'a file'))).toBe(false)
  expect(thisMachine.freeDiskBytes('/no/such/directory/yet')).toBeGreaterThan(0)
  expect(thisMachine.availableMemoryBytes()).toBeGreaterThan(0)
})

async function listening(): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
