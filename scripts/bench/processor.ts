// The stream processor on a backlog: inputs a second, and what a million of them cost. Ceiling: kafkajs alone with the same
// records in and out (kafkajs-loop.ts). The sizes of what goes out are measured on the processor itself.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isReject } from '../../services/core/reject'
import { topics } from '../../services/core/topics'
import type { Bench, BenchOrder } from './bench'
import { runChild } from './child'
import type { LoopFigures, LoopOutput, LoopPlan } from './kafkajs-loop'
import { fill, type Filled } from './fill'
import { usualMix } from './mix'
import type { ServiceRun } from './service-run'
import { onSite, partitions, type Site } from './site'

const written = [
  ...[topics.journeyChangelog, topics.identities, topics.attributedOrders, topics.findings],
  ...[topics.stockChangelog, topics.stockPositions, topics.journeyFacts],
] as const

/** Between two questions how far it is. */
const questionMs = 250

export const processorBench: Bench = {
  name: 'processor',
  says: 'inputs/s of one stream processor on a backlog, beside kafkajs alone with the same records; two against one',
  run: (order) => onSite(['kafka', 'registry'], (site) => measure(site, order)),
}

interface Backlog extends Filled {
  readonly prefix: string
}

interface Outcome {
  /** From when the first was ready. */
  readonly seconds: number
  readonly cpuSeconds: number
  /** Start and end of the processes included. */
  readonly cpuSecondsInAll: number
  readonly loops: number
  readonly batches: number
  readonly digest: string
}

async function measure(site: Site, { sheet, rounds, quick, say }: BenchOrder): Promise<void> {
  const persons = quick ? 4_000 : 100_000
  sheet.set({ persons, partitions, ...usualMix })
  for (let round = 0; round < rounds; round += 1) {
    const backlog = await prepare(site, `one${round}.`, persons)
    const inputs = backlog.touchpoints + backlog.orders
    say(`${inputs} inputs wait`)
    const one = await drain(site, backlog, 1)
    say(`one process took ${one.seconds.toFixed(1)} s`)
    const plan = await planLoop(site, backlog, one)
    const loop = await runChild<LoopFigures>('kafkajs-loop', plan)
    say(`kafkajs alone took ${loop.seconds.toFixed(1)} s`)
    const ceiling = 'kafkajs alone'
    sheet.set({
      inputs,
      records_out_per_input: outPerInput(plan),
      bytes_out_per_input: bytesPerInput(plan),
    })
    sheet.write({ name: ceiling, unit: 'inputs/s', value: inputs / loop.seconds })
    sheet.write({
      ...{ name: 'one process', unit: 'inputs/s', value: inputs / one.seconds, ceiling },
      aim: '>= 0.5 of it, >= 20,000 inputs/s',
    })
    const perMillion = { unit: 'CPU s per million inputs' }
    sheet.write({
      ...{ name: 'CPU of kafkajs alone', value: (loop.cpuSeconds / inputs) * 1e6, ...perMillion },
    })
    sheet.write({
      ...{ name: 'CPU of one process', value: (one.cpuSeconds / inputs) * 1e6, ...perMillion },
      ...{ ceiling: 'CPU of kafkajs alone', aim: '<= 77 CPU s' },
    })
    sheet.write({ name: 'loop messages', unit: 'per input', value: one.loops / inputs })
    sheet.write({ name: 'inputs per transaction', unit: 'inputs', value: inputs / one.batches })
    const again = await prepare(site, `two${round}.`, persons)
    const two = await drain(site, again, 2)
    say(`two processes took ${two.seconds.toFixed(1)} s`)
    if (two.digest !== one.digest) throw new Error('two processes came to other orders than one')
    sheet.write({
      ...{ name: 'two processes', unit: 'inputs/s', value: inputs / two.seconds },
      ceiling: 'one process',
    })
    const whole = { unit: 'CPU s, start included' }
    sheet.write({ name: 'whole run of one process', value: one.cpuSecondsInAll, ...whole })
    sheet.write({
      ...{ name: 'whole run of two processes', value: two.cpuSecondsInAll, ...whole },
      ceiling: 'whole run of one process',
    })
  }
}

async function prepare(site: Site, prefix: string, persons: number): Promise<Backlog> {
  await site.provision(prefix)
  return { prefix, ...(await fill(site, prefix, { ...usualMix, persons })) }
}

/** Runs processors until everything is processed, messages among nodes included. */
async function drain(site: Site, backlog: Backlog, processes: number): Promise<Outcome> {
  const { prefix, touchpoints, orders } = backlog
  const runs: ServiceRun[] = []
  for (let at = 0; at < processes; at += 1) {
    runs.push(
      site.launch('stream-processor', {
        ...{ TOPIC_PREFIX: prefix, STATE_DIRECTORY: join(site.directory, `state-${prefix}${at}`) },
      }),
    )
  }
  await Promise.race(runs.map((run) => run.untilReady()))
  const readyMs = performance.now()
  const cpuBefore = sum(runs.map((run) => run.cpuSeconds()))
  const sumOf = async (name: string, ...labels: string[]): Promise<number> =>
    sum(await Promise.all(runs.map((run) => run.metric(name, labels))))
  const journey = 'stage="journey"'
  const loops = (): Promise<number> => sumOf('loop_messages_total', journey, 'way="loop_topic"')
  await runs[0]?.until(async () => {
    const processed = await sumOf('records_total', journey, 'outcome="processed"')
    if (processed < touchpoints + orders + (await loops())) return false
    return (await sumOf('records_total', 'stage="stock"', 'outcome="processed"')) >= orders
  }, questionMs)
  const seconds = (performance.now() - readyMs) / 1_000
  const cpuSecondsInAll = sum(runs.map((run) => run.cpuSeconds()))
  const outcome = {
    ...{ seconds, cpuSeconds: cpuSecondsInAll - cpuBefore, cpuSecondsInAll },
    ...{ loops: await loops(), batches: await sumOf('batch_duration_seconds_count', journey) },
    digest: await digestOf(site, prefix),
  }
  await Promise.all(runs.map((run) => run.stop()))
  return outcome
}

/** Of the credits every order ended with. */
async function digestOf(site: Site, prefix: string): Promise<string> {
  const codec = await site.registryOf(prefix).topicCodec(topics.attributedOrders)
  const reader = await site.kafka.connectReader()
  const last = new Map<string, string>()
  for (let partition = 0; partition < partitions; partition += 1) {
    const stretch = { topic: prefix + topics.attributedOrders.name, partition, from: 0 }
    await reader.read(stretch, (records) => {
      for (const { key, value } of records) {
        const order = codec.decode(value)
        if (isReject(order)) throw new Error(order.detail)
        last.set(String(key), JSON.stringify([order.person, order.credits]))
      }
    })
  }
  await reader.close()
  const lines = [...last].map(([key, credits]) => `${key} ${credits}`).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

async function planLoop(site: Site, backlog: Backlog, outcome: Outcome): Promise<LoopPlan> {
  const { prefix, touchpoints, orders } = backlog
  const records = touchpoints + orders
  const ceilingPrefix = `ceiling.${prefix}`
  await site.provision(ceilingPrefix)
  const admin = await site.kafka.connectAdmin()
  const outputs: LoopOutput[] = []
  for (const { name } of written) {
    const bounds = await admin.bounds(prefix + name)
    // Commit markers lie among them, one a transaction and partition: a few in a thousand.
    const count = sum(bounds.map(({ high }) => high))
    if (count === 0) continue
    const bytes = site.logBytes(prefix + name) / count
    const keyBytes = 44
    const valueBytes = Math.max(1, Math.round(bytes - keyBytes - 8))
    const topic = ceilingPrefix + name
    outputs.push({ topic, perInput: count / records, keyBytes, valueBytes })
  }
  await admin.close()
  return {
    brokers: site.stack.brokers,
    ...{ groupId: `${ceilingPrefix}loop`, records, outputs, partitions },
    inputs: [prefix + topics.touchpoints.name, prefix + topics.orders.name],
    loop: ceilingPrefix + topics.journeyFacts.name,
    recordsPerTransaction: Math.max(1, Math.round(records / outcome.batches)),
  }
}

function outPerInput({ outputs }: LoopPlan): number {
  return Number(sum(outputs.map(({ perInput }) => perInput)).toFixed(2))
}

function bytesPerInput({ outputs }: LoopPlan): number {
  return Math.round(
    sum(outputs.map(({ perInput, keyBytes, valueBytes }) => perInput * (keyBytes + valueBytes))),
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
