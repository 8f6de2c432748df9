// How long a stream processor takes to get to work with a large state: from nothing but its changelog, and from a warm disk;
// and how many bytes a person takes. `npm run bench:restore -- --persons 1000000`; a stack of its own, removed at the end.
// Prints one JSON object. A third of the persons have bought something.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { partitionKeyOf } from '../../services/core/identity/node'
import { partitionOf } from '../../services/core/partition'
import { markSubject, topics } from '../../services/core/topics'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import { projectDirectory } from '../../services/runtime/schemas'
import { markKeys } from '../../services/stream-processor/kafka-stage-log'
import { emptyMark, markRecord } from '../../services/stream-processor/ports'
import { readSettings } from '../../services/stream-processor/settings'
import { copyOf, journeyTemplates, namesOf } from './journey-template'
import { onSite, partitions, type Site } from './site'

const settingsFile = join(projectDirectory(), 'services/stream-processor/attribution.json')
const transactionRecords = 8_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { persons: { type: 'string', default: '100000' } } })
  const persons = Number(values.persons)
  await onSite(['kafka', 'registry'], async (site) => {
    const began = performance.now()
    const entries = await fill(site, persons)
    const fillSeconds = secondsSince(began)
    const stateDirectory = join(site.directory, 'state')
    const cold = await timeToWork(site, stateDirectory)
    const warm = await timeToWork(site, stateDirectory)
    const changelog = site.logBytes(topics.journeyChangelog.name)
    const lmdb = bytesOnDisk(join(stateDirectory, 'journey'))
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
  })
}

/** @returns how many entries were written */
async function fill({ kafka, ...site }: Site, persons: number): Promise<number> {
  await site.provision('')
  const registry = site.registryOf('')
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
async function timeToWork(site: Site, stateDirectory: string): Promise<Start> {
  const began = performance.now()
  const run = site.launch('stream-processor', {
    STATE_DIRECTORY: stateDirectory,
    // What comes after is not measured here.
    WALK_INTERVAL_MS: '3600000',
  })
  await run.untilReady()
  const seconds = secondsSince(began)
  const memory = memoryOf(run.pid)
  await run.stop()
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

/** Taken by the stores of a stage; LMDB's files have holes. */
function bytesOnDisk(directory: string): number {
  return readdirSync(directory)
    .map((partition) => statSync(join(directory, partition, 'data.mdb')).blocks * 512)
    .reduce((sum, bytes) => sum + bytes, 0)
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
