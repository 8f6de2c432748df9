// The collector: events a second that are answered after Kafka has them, one by one and in batches of fifty, and how long an
// answer takes at half of that. Ceilings: the least that answers at all, in node:http, in express, in express with kafkajs.
import { join } from 'node:path'
import { topics } from '../../services/core/topics'
import type { Bench, BenchOrder } from './bench'
import type { BareEdgePlan } from './bare-edge'
import { runChild, standChild } from './child'
import type { LoadFigures, LoadPlan, LoadRequest } from './http-load'
import { cpuSecondsOf } from './machine'
import type { Sheet } from './sheet'
import { onSite, partitions, type Site } from './site'

const connections = 64
const batchEvents = 50
const writeKey = 'bench-write-key-of-no-secret'

export const collectorBench: Bench = {
  name: 'collector',
  says: 'events/s answered after Kafka has them, single and in batches of 50, and the time of an answer at half load',
  run: (order) => onSite(['kafka', 'registry'], (site) => measure(site, order)),
}

interface Edge {
  readonly url: string
  readonly pid: number
}

async function measure(site: Site, order: BenchOrder): Promise<void> {
  const { sheet, rounds, quick } = order
  const seconds = quick ? 2 : 10
  sheet.set({ connections, batch_events: batchEvents, seconds, partitions })
  await site.provision('')
  const collector = await startCollector(site)
  await warmUp(collector, quick)
  for (let round = 0; round < rounds; round += 1) {
    await measureSingles(collector, { ...order, seconds })
    await measureBatches(site, collector, { ...order, seconds })
  }
}

async function startCollector(site: Site): Promise<Edge> {
  const run = site.launch('collector', {
    ...{ PORT: '0', IDENTIFIER_HASH_KEY: Buffer.alloc(32, 1).toString('base64') },
    SPOOL_DIRECTORY: join(site.directory, 'spool'),
    // Measured is how fast it can be, not how much one source is allowed.
    SOURCES: JSON.stringify([{ name: 'web', keys: [writeKey], records_per_second: 10_000_000 }]),
  })
  await run.untilReady()
  return { url: `http://127.0.0.1:${run.port('port')}`, pid: run.pid }
}

/** Both ways, until the code of collector and broker is compiled: after 6 s a pixel cost a quarter more than after 25. */
async function warmUp({ url }: Edge, quick: boolean): Promise<void> {
  const seconds = quick ? 1 : 25
  await load({ url, connections, seconds, requests: pixels() })
  await load({ url, connections, seconds, requests: batches() })
}

type Round = BenchOrder & { readonly seconds: number }

async function measureSingles(collector: Edge, { sheet, seconds, say }: Round): Promise<void> {
  const requests = pixels()
  const ceilings = { bare: 'bare node:http, pixels', express: 'bare express, pixels' }
  const unit = 'events/s'
  for (const [kind, name] of [
    ['node:http', ceilings.bare],
    ['express', ceilings.express],
  ] as const) {
    const bare = await standBare({ kind })
    await load({ ...bare, connections, seconds: 2, requests })
    const { perSecond } = await load({ ...bare, connections, seconds, requests })
    await bare.stop()
    sheet.write({ name, unit, value: perSecond })
  }
  const full = await load({ ...collector, connections, seconds, requests })
  say(`pixels: ${Math.round(full.perSecond)}/s`)
  const aim = '>= 0.35 of bare node:http, more than bare express'
  sheet.write({ name: 'pixels', unit, value: full.perSecond, ceiling: ceilings.bare, aim })
  sheet.write({ name: 'pixels p99 at full load', unit: 'ms', value: full.p99Ms })
  sheet.write({ ...cpuPerMillion('pixels', full.cpuSeconds / full.answered) })
  const perSecond = full.perSecond / 2
  const half = await load({ ...collector, connections, seconds, requests, perSecond })
  writeTimes(sheet, 'pixels', half)
}

async function measureBatches(
  site: Site,
  collector: Edge,
  { sheet, seconds, say }: Round,
): Promise<void> {
  const requests = batches()
  const ceiling = 'express and kafkajs, batches'
  const unit = 'events/s'
  const { keyBytes, valueBytes } = await recordSize(site)
  const bare = await standBare({
    ...{ kind: 'express and kafkajs', brokers: site.stack.brokers, partitions },
    ...{ topic: topics.findings.name, keyBytes, valueBytes },
  })
  await load({ ...bare, connections, seconds: 2, requests })
  const least = await load({ ...bare, connections, seconds, requests })
  await bare.stop()
  sheet.set({ record_bytes: keyBytes + valueBytes })
  sheet.write({ name: ceiling, unit, value: least.perSecond * batchEvents })
  const full = await load({ ...collector, connections, seconds, requests })
  say(`batches: ${Math.round(full.perSecond * batchEvents)} events/s`)
  const value = full.perSecond * batchEvents
  sheet.write({ name: 'batches', unit, value, ceiling, aim: '>= 0.6 of it' })
  sheet.write(cpuPerMillion('batches', full.cpuSeconds / (full.answered * batchEvents)))
  const perSecond = full.perSecond / 2
  const half = await load({ ...collector, connections, seconds, requests, perSecond })
  writeTimes(sheet, 'batches', half)
}

function writeTimes(sheet: Sheet, name: string, { p50Ms, p99Ms }: LoadFigures): void {
  sheet.write({ name: `${name} p50 at half load`, unit: 'ms', value: p50Ms })
  sheet.write({ name: `${name} p99 at half load`, unit: 'ms', value: p99Ms })
}

function cpuPerMillion(
  name: string,
  secondsPerEvent: number,
): { name: string; unit: string; value: number } {
  return { name: `CPU of ${name}`, unit: 'CPU s per million events', value: secondsPerEvent * 1e6 }
}

async function standBare(
  plan: BareEdgePlan,
): Promise<Edge & { readonly stop: () => Promise<void> }> {
  const { answer: port, pid, stop } = await standChild<number>('bare-edge', plan)
  return { url: `http://127.0.0.1:${port}`, pid, stop }
}

interface Loaded extends LoadFigures {
  /** Requests answered. */
  readonly perSecond: number
  /** Of the process asked, when it is named. */
  readonly cpuSeconds: number
}

/** @throws when anything was answered otherwise than 2xx */
async function load(plan: LoadPlan & { readonly pid?: number }): Promise<Loaded> {
  const { pid, url, connections, seconds, requests, perSecond } = plan
  const cpuBefore = pid === undefined ? 0 : cpuSecondsOf(pid)
  const rate = perSecond === undefined ? {} : { perSecond: Math.round(perSecond) }
  const figures = await runChild<LoadFigures>('http-load', {
    ...{ url, connections, seconds, requests },
    ...rate,
  })
  if (figures.failed > 0) throw new Error(`${figures.failed} requests were not answered 2xx`)
  const cpuSeconds = pid === undefined ? 0 : cpuSecondsOf(pid) - cpuBefore
  return { ...figures, perSecond: figures.answered / figures.seconds, cpuSeconds }
}

/** Of the records that the collector has written so far. */
async function recordSize(site: Site): Promise<{ keyBytes: number; valueBytes: number }> {
  const reader = await site.kafka.connectReader()
  const sizes = { records: 0, keys: 0, values: 0 }
  const stretch = { topic: topics.touchpoints.name, partition: 0, from: 0, to: 1_000 }
  await reader.read(stretch, (records) => {
    for (const { key, value } of records) {
      sizes.records += 1
      sizes.keys += key?.length ?? 0
      sizes.values += value?.length ?? 0
    }
  })
  await reader.close()
  return {
    keyBytes: Math.round(sizes.keys / sizes.records),
    valueBytes: Math.round(sizes.values / sizes.records),
  }
}

function pixels(): LoadRequest[] {
  return Array.from({ length: 200 }, (_, at) => ({
    method: 'GET',
    path: `/p.gif?write_key=${writeKey}&type=page_view&channel=wechat.group&visitor=visitor-${at}-of-many&utm_campaign=c-${at % 20}&id=e-${at}`,
  }))
}

function batches(): LoadRequest[] {
  return Array.from({ length: 20 }, (_, batch) => {
    const events = Array.from({ length: batchEvents }, (_, at) => ({
      id: `e-${batch}-${at}`,
      type: 'room_enter',
      channel: 'douyin.live',
      room: `room-${at % 8}`,
      streamer: `streamer-${at % 4}`,
      identifiers: { openid: { app: 'mini', id: `openid-of-somebody-${batch}-${at}` } },
    }))
    return {
      ...{ method: 'POST', path: '/collect', body: JSON.stringify(events) },
      headers: { 'x-write-key': writeKey, 'content-type': 'application/json' },
    }
  })
}
