// The local stack's promises about its processes: none outlives its owner, none blocks a later start, none dies unheard.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findFreePorts, installRoot, portVariables } from '../../infra/local/config'
import type { Part } from '../../infra/local/part'
import { processIdentity } from '../../services/runtime/process-identity'
import { builtScript, describeDeath, runPart, untilReady } from '../../infra/local/run-part'
import { startStack } from '../../infra/local/stack'
import { createKafka } from '../../services/runtime/kafka'
import { createLogger } from '../../services/runtime/logger'
import { until } from '../support/until'

let directory: string
beforeEach(() => {
  mkdirSync(installRoot(), { recursive: true })
  directory = mkdtempSync(join(installRoot(), 'test-parts-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function aPart(script: string): Part {
  return {
    name: 'erp',
    command: 'sh',
    args: ['-c', script],
    env: {},
    cwd: directory,
    ready: () => Promise.resolve(false),
  }
}

function isAlive(pid: number): boolean {
  return processIdentity(pid) !== null
}

async function printedPid(logFile: string): Promise<number> {
  return until(() => Number(/^pid (\d+)$/m.exec(readFileSync(logFile, 'utf8'))?.[1] ?? 0) || false)
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/ping`).then(
    (response) => response.ok,
    () => false,
  )
}

test('a part that ends by itself is reported by name with how, the end of its log and where that is', async () => {
  const logFile = join(directory, 'logs', 'erp.log')
  const running = runPart(aPart('echo before; echo cannot go on >&2; exit 3'), logFile)
  const death = await running.ended
  expect(death).toEqual({
    name: 'erp',
    how: 'exit code 3',
    logTail: 'before\ncannot go on',
    logFile,
  })
  expect(describeDeath(death)).toContain(`erp ended by itself (exit code 3); its log is ${logFile}`)
})

test('a part that ends before it is ready fails the start in its own words', async () => {
  const running = runPart(aPart('echo no such key; exit 1'), join(directory, 'erp.log'))
  await expect(untilReady(running)).rejects.toThrow(/erp ended by itself[^]*no such key/)
})

test('a program that is not there is named', async () => {
  const part = { ...aPart(''), command: 'no-such-program' }
  expect((await runPart(part, join(directory, 'erp.log')).ended).how).toContain('no-such-program')
})

test('what a part started ends with the part', async () => {
  const logFile = join(directory, 'erp.log')
  const running = runPart(aPart('sleep 300 & echo pid $!; exit 0'), logFile)
  await running.ended
  const pid = await printedPid(logFile)
  await until(() => !isAlive(pid))
})

test('a part that is deaf to being told is made to end', async () => {
  const logFile = join(directory, 'erp.log')
  const deaf = aPart("trap '' TERM; echo pid $$; while :; do sleep 1; done")
  const running = runPart(deaf, logFile, 200)
  const pid = await printedPid(logFile)
  await running.stop()
  expect(isAlive(pid)).toBe(false)
})

test('a part whose guard is killed goes with it and is reported', async () => {
  const logFile = join(directory, 'erp.log')
  const running = runPart(aPart('echo pid $$; echo guard $PPID; exec sleep 300'), logFile)
  const pid = await printedPid(logFile)
  const guard = Number(/guard (\d+)/.exec(readFileSync(logFile, 'utf8'))?.[1])
  process.kill(guard, 'SIGKILL')
  expect((await running.ended).how).toBe('its guard was killed')
  await until(() => !isAlive(pid))
})

test('parts end with their owner, also by kill -9, and the next start is not in the way of the last', async () => {
  const first = await anOwner()
  expect(await answers(first.url)).toBe(true)
  first.owner.kill('SIGKILL')
  await until(async () => !(await answers(first.url)))
  const second = await anOwner()
  expect(await answers(second.url)).toBe(true)
  second.owner.kill('SIGKILL')
  await until(async () => !(await answers(second.url)))
})

test('a second stack on the same data is refused with the id of the owner', async () => {
  const { owner } = await anOwner()
  const second = startStack({ dataDirectory: directory, ports: 'free', parts: ['clickhouse'] })
  await expect(second).rejects.toThrow(`owned by process ${owner.pid ?? 0}`)
  owner.kill('SIGKILL')
  await once(owner, 'exit')
})

test('what was acknowledged is there after every part was killed and started again', async () => {
  const parts = ['kafka', 'registry', 'clickhouse'] as const
  const deaths: string[] = []
  const stack = await startStack({
    dataDirectory: directory,
    ports: 'free',
    parts,
    onPartDied: (death) => deaths.push(death.name),
  })
  try {
    const clickhouse = (body: string): Promise<Response> =>
      fetch(stack.clickhouseUrl, { method: 'POST', body })
    const subject = `${stack.registryUrl}/subjects/kept-value/versions`
    const headers = { 'content-type': 'application/json' }
    const kafka = createKafka({
      brokers: stack.brokers,
      clientId: 'test',
      logger: createLogger('test', 'silent'),
    })
    const admin = await kafka.connectAdmin()
    await admin.createTopics([{ name: 'kept', partitions: 3, configuration: {} }])
    await admin.close()
    await clickhouse('CREATE TABLE kept (id UInt8) ENGINE = MergeTree ORDER BY id')
    await clickhouse('INSERT INTO kept VALUES (7)')
    const schema = JSON.stringify({ schema: '"string"' })
    expect((await fetch(subject, { method: 'POST', headers, body: schema })).status).toBe(200)

    await Promise.all(parts.map((part) => stack.killPart(part)))
    await Promise.all(parts.map((part) => stack.startPart(part)))

    expect(await (await clickhouse('SELECT id FROM kept')).text()).toBe('7\n')
    expect((await fetch(`${subject}/1`)).status).toBe(200)
    const again = await kafka.connectAdmin()
    expect((await again.partitionCounts(['kept'])).get('kept')).toBe(3)
    await again.close()
    expect(deaths).toEqual([])
  } finally {
    await stack.stop()
  }
}, 120_000)

test('the standing stack is raised once, found, survives nothing of a killed supervisor, and is taken down', async () => {
  const ports = await findFreePorts()
  const environment = {
    ...process.env,
    TRIBUTARY_STACK_DIRECTORY: directory,
    [portVariables.kafka]: String(ports.kafka),
    [portVariables.kafkaController]: String(ports.kafkaController),
    [portVariables.registry]: String(ports.registry),
    [portVariables.clickhouse]: String(ports.clickhouse),
    [portVariables.erp]: String(ports.erp),
  }
  const stack = (verb: string): { status: number | null; text: string } => {
    const child = spawnSync(process.execPath, [builtScript('scripts/stack'), verb], {
      env: environment,
    })
    return { status: child.status, text: `${child.stdout.toString()}${child.stderr.toString()}` }
  }
  try {
    expect(stack('status').status).toBe(1)
    const up = stack('up')
    expect(up).toMatchObject({ status: 0 })
    expect(up.text).toContain(`http://127.0.0.1:${ports.clickhouse}`)
    expect(stack('status')).toMatchObject({ status: 0 })

    const again = stack('up')
    expect(again).toMatchObject({ status: 0 })
    const supervisor = Number(/already runs \(process (\d+)\)/.exec(again.text)?.[1])
    process.kill(supervisor, 'SIGKILL')
    await until(async () => !(await answers(`http://127.0.0.1:${ports.clickhouse}`)))
    expect(stack('status').status).toBe(1)
    expect(stack('down').text).toContain('no stack is running')

    expect(stack('up').status).toBe(0)
    expect(stack('down')).toMatchObject({ status: 0 })
    expect(await answers(`http://127.0.0.1:${ports.clickhouse}`)).toBe(false)
  } finally {
    stack('down')
  }
}, 180_000)

/** A process that owns a stack of one part on `directory`. */
async function anOwner(): Promise<{ owner: ChildProcess; url: string }> {
  const options = JSON.stringify({ dataDirectory: directory, ports: 'free', parts: ['clickhouse'] })
  const program = `require(${JSON.stringify(builtScript('infra/local/stack'))})
    .startStack(${options}).then((stack) => console.log(stack.clickhouseUrl))`
  const owner = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(owner.stdout, 'data')) as [Buffer]
  return { owner, url: line.toString().trim() }
}
