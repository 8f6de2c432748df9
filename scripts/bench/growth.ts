// What an event costs the stream processor's rules and store, without Kafka, as persons and state grow. No ceiling but
// itself: what counts is how a figure grows from one size to the next.
import { join } from 'node:path'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { installRoot } from '../../infra/local/config'
import type { Order, Touchpoint } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { topology } from '../../services/core/topology'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { projectDirectory } from '../../services/runtime/schemas'
import { openLmdbStore } from '../../services/stream-processor/lmdb-store'
import { PartitionTask } from '../../services/stream-processor/partition-task'
import type { PartitionStore, StageLog } from '../../services/stream-processor/ports'
import { parseSettings, readSettings } from '../../services/stream-processor/settings'
import type { AnyStage } from '../../services/stream-processor/stage-batch'
import { memoryCodec, memoryTask } from '../../test/support/memory-stage'
import type { Bench, BenchOrder } from './bench'
import { copyOf, journeyTemplates, namesOf } from './journey-template'
import { mixOf, usualMix } from './mix'

const batchRecords = 200
const touchesOfPersons = [10, 100, 1_000]
const personsInStore = [10_000, 100_000, 1_000_000]
const lastTouchAt = Date.UTC(2026, 10, 11, 20)
const minuteMs = 60_000
const settingsFile = join(projectDirectory(), 'services/stream-processor/attribution.json')

export const growthBench: Bench = {
  name: 'growth',
  says: 'CPU of a touch, an order and a merge as persons grow, and of a touch as the store grows; Kafka left out',
  run: measure,
}

async function measure({ sheet, rounds, quick, say }: BenchOrder): Promise<void> {
  const persons = quick ? 20 : 200
  sheet.set({ records_per_batch: batchRecords, persons_measured: persons })
  for (let round = 0; round < rounds; round += 1) {
    const mixUs = await onTask((bed) => measureMix(bed, quick ? 2_000 : 20_000))
    say(`usual mix: ${mixUs.toFixed(0)} µs an input`)
    sheet.write({ name: 'input of the usual mix', unit: 'CPU µs', value: mixUs })
    for (const touches of touchesOfPersons) {
      const { touchUs, orderUs, mergeUs } = await onTask((bed) =>
        measurePersons(bed, { touches, persons }),
      )
      say(`${touches} touches: ${touchUs.toFixed(0)} µs a touch`)
      const than = (of: string): { ceiling?: string } =>
        touches === 10 ? {} : { ceiling: `${of} of 10 touches` }
      const unit = 'CPU µs'
      sheet.write({
        ...{ name: `touch of a person of ${touches} touches`, unit, value: touchUs },
        ...(touches === 10 ? {} : { ceiling: 'touch of a person of 10 touches' }),
        ...(touches === 1_000 ? { aim: '<= 1.5 times' } : {}),
      })
      sheet.write({ name: `order of ${touches} touches`, unit, value: orderUs, ...than('order') })
      sheet.write({ name: `merge of ${touches} touches`, unit, value: mergeUs, ...than('merge') })
    }
    for (const size of quick ? [1_000, 10_000] : personsInStore) {
      const perTouch = await onTask((bed) => measureStore(bed, size))
      say(`${size} persons in the store: ${perTouch.toFixed(0)} µs a touch`)
      const first = quick ? 1_000 : 10_000
      sheet.write({
        ...{ name: `touch beside ${size} persons`, unit: 'CPU µs', value: perTouch },
        ...(size === first ? {} : { ceiling: `touch beside ${first} persons` }),
      })
    }
  }
}

/** A task on a real store, which takes records without Kafka. */
interface Bed {
  readonly store: PartitionStore
  /** @returns CPU microseconds it took */
  take(values: readonly (Touchpoint | Order)[]): Promise<number>
}

async function onTask<T>(work: (bed: Bed) => Promise<T>): Promise<T> {
  mkdirSync(installRoot(), { recursive: true })
  const directory = mkdtempSync(join(installRoot(), 'bench-growth-'))
  const store = openLmdbStore({
    directory: join(directory, '0'),
    ...{ origin: 'bench', maxAgeMs: Infinity, now: Date.now },
  })
  try {
    const { text } = readSettings(settingsFile)
    const stage = topology(parseSettings(text)).journey as unknown as AnyStage
    const task = new PartitionTask({ ...memoryTask(stage), store, log: forgetfulLog() })
    await task.open()
    await task.restore([ownerRecord()])
    return await work({ store, take: takerOf(task) })
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function forgetfulLog(): StageLog {
  let next = 1
  return {
    open: () => Promise.resolve(0),
    commit: () => Promise.resolve((next += 1)),
    close: () => Promise.resolve(),
  }
}

/** Where the state ends for the task that opened the log: at its beginning. */
function ownerRecord(): IncomingRecord {
  return {
    ...{ topic: topics.journeyChangelog.name, partition: 0, offset: 0, headers: {} },
    ...{ key: Buffer.from('owner'), value: null, timestampMs: 0 },
  }
}

function takerOf(task: PartitionTask): Bed['take'] {
  const touchpointCodec = memoryCodec('Touchpoint')
  const orderCodec = memoryCodec('Order')
  const offsets = { touchpoints: 0, orders: 0 }
  const recordOf = (value: Touchpoint | Order): IncomingRecord => {
    const isOrder = 'order_key' in value
    const topic = isOrder ? topics.orders.name : topics.touchpoints.name
    return {
      ...{ topic, partition: 0, offset: offsets[topic]++, key: null, headers: {} },
      value: isOrder ? orderCodec.encode(value) : touchpointCodec.encode(value),
      timestampMs: value.accepted_at,
    }
  }
  return async (values) => {
    const records = values.map(recordOf)
    const before = process.cpuUsage()
    for (let at = 0; at < records.length; at += batchRecords) {
      await task.process(records.slice(at, at + batchRecords))
    }
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
}

/** @returns CPU microseconds of an input, whatever it is */
async function measureMix(bed: Bed, persons: number): Promise<number> {
  const mix = [...mixOf({ ...usualMix, persons })]
  return (await bed.take(mix.map(({ touchpoint, order }) => touchpoint ?? order))) / mix.length
}

interface Size {
  readonly touches: number
  readonly persons: number
}

interface Costs {
  readonly touchUs: number
  readonly orderUs: number
  readonly mergeUs: number
}

async function measurePersons(bed: Bed, { touches, persons }: Size): Promise<Costs> {
  const all = Array.from({ length: persons }, (_, person) => person)
  for (let turn = 0; turn < touches; turn += 1) {
    await bed.take(all.map((person) => touchOf([visitorOf(person)], { person, turn, touches })))
  }
  const repeats = 5
  let touchUs = 0
  for (let turn = touches; turn < touches + repeats; turn += 1) {
    touchUs += await bed.take(
      all.map((person) => touchOf([visitorOf(person)], { person, turn, touches })),
    )
  }
  const orderUs = await bed.take(all.map((person) => orderOf(person)))
  // A phone is smaller than any visitor id: the whole journey moves to it.
  const mergeUs = await bed.take(
    all.map((person) =>
      touchOf([phoneOf(person), visitorOf(person)], { person, turn: touches + repeats, touches }),
    ),
  )
  const each = (us: number): number => us / persons
  return { touchUs: each(touchUs) / repeats, orderUs: each(orderUs), mergeUs: each(mergeUs) }
}

/** @returns CPU microseconds of a touch of somebody among `persons` in the store */
async function measureStore(bed: Bed, persons: number): Promise<number> {
  const templates = journeyTemplates(memoryCodec('JourneyEntry'), false)
  const written = { from: null, mark: bed.store.mark(), purges: false, schemaIds: [1] }
  for (let first = 0; first < persons; first += 2_000) {
    const entries: [string, Buffer][] = []
    for (let person = first; person < Math.min(first + 2_000, persons); person += 1) {
      const names = namesOf(person)
      for (const template of templates) {
        const { key, value } = copyOf(template, names)
        entries.push([key, value])
      }
    }
    bed.store.apply({ ...written, entries, changelogNext: bed.store.changelogNext() })
  }
  const touchesOf = (count: number, from: number): Touchpoint[] =>
    Array.from({ length: count }, (_, at) => {
      const person = ((from + at) * 7_919) % persons
      const [phone = ''] = namesOf(person)
      return touchOf([`phone:${phone}`], { person, turn: from + at, touches: 1 })
    })
  await bed.take(touchesOf(2_000, 0))
  const count = 10_000
  return (await bed.take(touchesOf(count, 2_000))) / count
}

function visitorOf(person: number): string {
  return `visitor:${String(person).padStart(22, 'v')}`
}

function phoneOf(person: number): string {
  return `phone:${String(person).padStart(22, 'p')}`
}

function touchOf(
  identifiers: string[],
  { person, turn, touches }: { person: number; turn: number; touches: number },
): Touchpoint {
  // Half an hour apart at least, as far as a window of a week holds them; the latest at the end.
  const gapMs = Math.min(31 * minuteMs, (6.5 * 1_440 * minuteMs) / touches)
  const at = Math.round(lastTouchAt - (touches - turn) * gapMs)
  return {
    ...{ source: 'web', id: `t-${person}-${turn}`.padStart(22, '0'), type: 'click' },
    ...{ at, sent_at: at, accepted_at: at, identifiers, channel: `channel-${turn % 5}` },
    ...{ platform: 'douyin', room: '', streamer: '', campaign: `campaign-${turn % 20}` },
    ...{ sku: '', shop: '', video: '', link: `link-${turn}`, campaign_source: '', medium: '' },
    ...{ content: '', term: '', placement: '', page: '', referrer: '', shared_by: '' },
  }
}

function orderOf(person: number): Order {
  const at = lastTouchAt + 600 * minuteMs
  const none = { refunded_minor: 0, refunded_quantity: 0, warehouse: '', title: '', claim: null }
  return {
    order_key: `douyin:flagship:${person}`,
    ...{ platform: 'douyin', shop: 'flagship', order_id: String(person), source: 'douyin' },
    ...{ status: 'paid', kind: 'sale', currency: 'CNY', settlement: 'unsettled' },
    ...{ created_at: at, paid_at: at, updated_at: at, accepted_at: at },
    ...{ paid_minor: 9_900, refunded_minor: 0, freight_minor: 0, settled_minor: 0 },
    lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: 9_900, ...none }],
    identifiers: [visitorOf(person)],
    sealed_buyer: null,
  }
}
