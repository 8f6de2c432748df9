// How long a stream processor takes to get to work with a large state: from nothing but its changelog, and from a warm disk;
// and how many bytes a person takes. `npm run bench:restore -- --persons 1000000`; a stack of its own, removed at the end.
// Prints one JSON object. A third of the persons have bought something.
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installRoot } from '../../infra/local/config'
import { builtScript } from '../../infra/local/run-part'
import { startStack, type RunningStack } from '../../infra/local/stack'
import { partitionKeyOf } from '../../services/core/identity/node'
import { partitionOf } from '../../services/core/partition'
import { markSubject, topics } from '../../services/core/topics'
import { connectRegistry } from '../../services/runtime/codec'
import { createKafka, type OutgoingRecord } from '../../services/runtime/kafka'
import { createLogger } from '../../services/runtime/logger'
import { provision } from '../../services/runtime/provision'
import { projectDirectory } from '../../services/runtime/schemas'
import { markKeys } from '../../services/stream-processor/kafka-stage-log'
import { emptyMark, markRecord } from '../../services/stream-processor/ports'
import { readSettings } from '../../services/stream-processor/settings'
import { copyOf, journeyTemplates, namesOf } from './journey-template'

const partitions = 4
const settingsFile = join(projectDirectory(), 'services/stream-processor/attribution.json')
const transactionRecords = 8_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { persons: { type: 'string', default: '100000' } } })
  const persons = Number(values.persons)
  mkdirSync(installRoot(), { recursive: true })
  const directory = mkdtempSync(join(installRoot(), 'bench-restore-'))
  const stack = await startStack({
    ...{ dataDirectory: join(directory, 'stack'), ports: 'free', parts: ['kafka', 'registry'] },
    progress: say,
  })
  try {
    const began = performance.now()
    const entries = await fill(stack, persons)
    const fillSeconds = secondsSince(began)
    const stateDirectory = join(directory, 'state')
    const cold = await timeToWork(stack, stateDirectory)
    const warm = await timeToWork(stack, stateDirectory)
    const changelog = bytesBelow(join(directory, 'stack', 'kafka', 'data'), 'journey-changelog-')
    const lmdb = bytesBelow(join(stateDirectory, 'journey'), '')
    const per = (bytes: number): number => Math.round(bytes / persons)
    const report = {
      ...{ persons, partitions, entries, fill_seconds: fillSeconds },
      empty_disk: {
        ready_seconds: cold.seconds,
        entries_per_second: Math.round(entries / cold.seconds),
      },
      warm_disk: { ready_seconds: warm.seconds },
      memory: { empty_disk: cold.memory, warm_disk: warm.memory },
      bytes: { changelog, lmdb },
      bytes_per_person: { changelog: per(changelog), lmdb: per(lmdb) },
    }
    console.log(JSON.stringify(report, null, 2))
  } finally {
    await stack.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** @returns how many entries were written */
async function fill(stack: RunningStack, persons: number): Promise<number> {
  const logger = createLogger('bench', 'warn')
  const kafka = createKafka({ brokers: stack.brokers, clientId: 'bench', logger })
  const registry = connectRegistry(stack.registryUrl)
  const admin = await kafka.connectAdmin()
  await provision({ admin, registry, prefix: '', partitions })
  await admin.close()
  const codec = await registry.topicCodec(topics.journeyChangelog)
  const [looks, buys] = [journeyTemplates(codec, false), journeyTemplates(codec, true)]
  const producer = await kafka.connectTransactionalProducer({
    ...{ transactionalId: 'bench-restore', transactionTimeoutMs: 60_000 },
    recordsMax: Number.MAX_SAFE_INTEGER,
  })
  let waiting: OutgoingRecord[] = []
  let entries = 0
  for (let person = 0; person < persons; person += 1) {
    const own = namesOf(person)
    for (const template of person % 3 === 0 ? buys : looks) {
      const { key, value } = copyOf(template, own)
      const node = key.slice(0, key.indexOf(' '))
      const partition = partitionOf(partitionKeyOf(node), partitions)
      waiting.push({ topic: topics.journeyChangelog.name, partition, key, value })
    }
    if (waiting.length < transactionRecords && person < persons - 1) continue
    entries += waiting.length
    await producer.transact(waiting)
    waiting = []
    if (person % 50_000 < 500) say(`${person + 1} persons, ${entries} entries`)
  }
  const marks = await registry.codec(markSubject(topics.journeyChangelog), 'StageMark')
  const { epoch, text: settings } = readSettings(settingsFile)
  const mark = markRecord({ ...emptyMark, partitions, epoch, settings, settledEpoch: epoch })
  await producer.transact(
    Array.from({ length: partitions }, (_, partition) => ({
      ...{ topic: topics.journeyChangelog.name, partition },
      ...{ key: markKeys.mark, value: marks.encode(mark) },
    })),
  )
  await producer.close()
  return entries
}

interface Memory {
  readonly own_mib: number
  readonly mapped_files_mib: number
}

interface Start {
  readonly seconds: number
  readonly memory: Memory
}

/** Until every partition is assigned and takes records. */
async function timeToWork(stack: RunningStack, stateDirectory: string): Promise<Start> {
  const began = performance.now()
  const child = spawn(process.execPath, [builtScript('services/stream-processor/main')], {
    env: {
      ...process.env,
      ...{ KAFKA_BROKERS: stack.brokers.join(','), REGISTRY_URL: stack.registryUrl },
      ...{ STATE_DIRECTORY: stateDirectory, OPERATIONS_PORT: '0', EXIT_WITH_PARENT: 'true' },
      // What comes after is not measured here.
      WALK_INTERVAL_MS: '3600000',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', resolve))
  let output = ''
  const assigned = new Promise<void>((resolve, reject) => {
    child.once('exit', () => {
      reject(new Error(`the stream processor ended: ${output.slice(-2_000)}`))
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.split('"msg":"assigned"').length > 2 * partitions) resolve()
    })
  })
  await assigned
  const seconds = secondsSince(began)
  const memory = memoryOf(child.pid ?? 0)
  child.kill('SIGTERM')
  await ended
  say(`every partition assigned after ${seconds} s`)
  return { seconds, memory }
}

/** Heap and buffers, and pages of mapped files, which the system takes back when it needs them; in MiB. */
function memoryOf(pid: number): Memory {
  const file = `/proc/${pid}/status`
  const status = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const mib = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1_024)
  return { own_mib: mib('RssAnon'), mapped_files_mib: mib('RssFile') }
}

function bytesBelow(directory: string, prefix: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(log|mdb)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => file.includes(prefix))
    .reduce((sum, file) => sum + statSync(file).blocks * 512, 0)
}

function secondsSince(beganMs: number): number {
  return Math.round((performance.now() - beganMs) / 100) / 10
}

function say(line: string): void {
  console.error(line)
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
