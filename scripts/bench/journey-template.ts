// The state that one person leaves in the journey stage, made by the real rules and the real codec once, and then copied
// with other names: ids have one length, so that a copy is the same bytes with some of them replaced.
import { createHash } from 'node:crypto'
import { defaultSettings } from '../../services/core/attribution/settings'
import { defaultHubLimits } from '../../services/core/identity/hubs'
import { journeyStage } from '../../services/core/journey'
import type { JourneyEntry, Order, Touchpoint } from '../../services/core/records'
import type { RecordCodec } from '../../services/runtime/codec'
import { openBatch, type AnyStage } from '../../services/stream-processor/stage-batch'

/** One entry with the places of what differs from person to person. */
export interface Template {
  readonly key: string
  readonly value: Buffer
  /** Where in the value which of the names stands. */
  readonly places: readonly { readonly at: number; readonly name: number }[]
}

/** 22 characters each, as a hash has; what stands for the names in a template. */
const hashes = ['phone', 'openid', 'visitor'].map((kind) => `${kind}_of_somebody`.padEnd(22, '_'))
const orderId = '6921000000000000001'
const touchIds = Array.from({ length: 6 }, (_, at) => `touch-${at}-of-somebody`.padEnd(22, '_'))

/** In this order names are given to `copyOf`. */
const nameLengths = [...hashes, ...touchIds, orderId].map(({ length }) => length)
const names = [...hashes, ...touchIds, orderId]

const [phone = '', openid = '', visitor = ''] = ['phone:', 'openid:mini:', 'visitor:'].map(
  (kind, at) => kind + (hashes[at] ?? ''),
)

/** A person with a visitor id, an openid and a phone, six touches and perhaps an order credited under all models. */
export function journeyTemplates(codec: RecordCodec<JourneyEntry>, buys: boolean): Template[] {
  const stage = journeyStage({
    orders: { attribution: [defaultSettings], generation: 0 },
    gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
  }) as unknown as AnyStage
  const empty = { get: () => undefined, range: () => [], near: () => new Map() }
  const batch = openBatch(stage, empty, { partition: 0, partitions: 1, acceptedUpTo: at(0) })
  const sets = [[visitor], [openid, visitor], [openid], [phone, visitor], [openid], [visitor]]
  for (const [index, identifiers] of sets.entries()) {
    batch.observe({ topic: 'touchpoints', value: touchpoint(index, identifiers) })
  }
  if (buys) batch.observe({ topic: 'orders', value: order() })
  batch.settle()
  return [...batch.changes()].flatMap(([key, entry]) =>
    entry === null ? [] : [templateOf(key, codec.encode(entry as JourneyEntry))],
  )
}

function templateOf(key: string, value: Buffer): Template {
  const places = names.flatMap((text, name) => {
    const found: { at: number; name: number }[] = []
    for (let at = value.indexOf(text); at >= 0; at = value.indexOf(text, at + 1)) {
      found.push({ at, name })
    }
    return found
  })
  return { key, value, places }
}

/** @param own one for each of `nameLengths`, of that length */
export function copyOf(
  { key, value, places }: Template,
  own: readonly string[],
): { readonly key: string; readonly value: Buffer } {
  const copy = Buffer.from(value)
  for (const { at, name } of places) copy.write(own[name] ?? '', at, 'latin1')
  return {
    key: names.reduce((text, name, index) => text.replaceAll(name, own[index] ?? ''), key),
    value: copy,
  }
}

/** The names of one person among many. As random as hashes are: the order of keys is that of no arrival. */
export function namesOf(person: number): string[] {
  const bytes = createHash('sha512').update(String(person)).digest('base64url')
  return nameLengths.map((length, at) =>
    length === 19
      ? String(person).padStart(length, '6')
      : (bytes.slice(at * 7) + bytes).slice(0, length),
  )
}

function at(minutesAgo: number): number {
  return Date.UTC(2026, 10, 11, 20) - minutesAgo * 60_000
}

function touchpoint(index: number, identifiers: string[]): Touchpoint {
  const none = { shop: '', video: '', sku: '', campaign_source: '', medium: '', content: '' }
  return {
    ...none,
    ...{ term: '', link: '', placement: '', page: '', referrer: 'douyin.com', shared_by: '' },
    source: 'web',
    id: touchIds[index] ?? '',
    type: index % 2 === 0 ? 'click' : 'room_enter',
    at: at(400 - index * 60),
    sent_at: at(400 - index * 60),
    accepted_at: at(400 - index * 60),
    identifiers,
    channel: index % 2 === 0 ? 'wechat.group' : 'douyin.live',
    platform: 'douyin',
    room: 'room-1111',
    streamer: 'streamer-1',
    campaign: 'double11',
  }
}

function order(): Order {
  const none = { refunded_minor: 0, refunded_quantity: 0, warehouse: '', claim: null }
  return {
    order_key: `douyin:flagship:${orderId}`,
    ...{ platform: 'douyin', shop: 'flagship', order_id: orderId, source: 'douyin' },
    ...{ status: 'paid', kind: 'sale', currency: 'CNY', settlement: 'unsettled' },
    ...{ created_at: at(2), paid_at: at(1), updated_at: at(1), accepted_at: at(0) },
    ...{ paid_minor: 19_900, refunded_minor: 0, freight_minor: 0, settled_minor: 0 },
    lines: [{ line_id: '1', sku: 'SKU-0001', title: '', quantity: 1, paid_minor: 19_900, ...none }],
    identifiers: [phone],
    sealed_buyer: { key_id: 'first', data: Buffer.alloc(180, 7) },
  }
}
