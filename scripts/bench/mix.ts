// The load a stream processor is measured with: persons with one to four identifiers each and about eight touchpoints,
// an order for every fourth, fifteen events in a hundred that link two identifiers. The same for the same size, always.
import type { Order, Touchpoint } from '../../services/core/records'
import { seededRandom, type Random } from '../evening/random'

export interface MixOptions {
  readonly persons: number
  readonly touchesPerPerson: number
  /** Share of touchpoints that carry two identifiers. */
  readonly linking: number
  /** One person in so many orders; 0 nobody. */
  readonly buyersEvery: number
}

export const usualMix: Omit<MixOptions, 'persons'> = {
  touchesPerPerson: 8,
  linking: 0.15,
  buyersEvery: 4,
}

export type MixEvent =
  | { readonly touchpoint: Touchpoint; readonly order?: undefined }
  | { readonly order: Order; readonly touchpoint?: undefined }

const beganAt = Date.UTC(2026, 10, 11, 12)
const hourMs = 3_600_000
const kinds = ['phone', 'openid:mini', 'unionid', 'visitor'] as const
const channels = ['douyin.live', 'wechat.group', 'douyin.video', 'offline.poster'] as const
const types = ['click', 'room_enter', 'card_click', 'scan', 'page_view', 'impression'] as const

/** Persons take turns, as they would in an evening: an event of one lies far from the next of the same. */
export function* mixOf(options: MixOptions, seed = 1): Generator<MixEvent> {
  const { persons, touchesPerPerson, linking, buyersEvery } = options
  const random = seededRandom(seed)
  for (let turn = 0; turn < touchesPerPerson; turn += 1) {
    for (let person = 0; person < persons; person += 1) {
      yield {
        touchpoint: touchpointOf(identifiersFor(person, random, linking), { person, turn, random }),
      }
    }
  }
  if (buyersEvery === 0) return
  for (let person = 0; person < persons; person += buyersEvery) {
    yield { order: orderOf(person, random) }
  }
}

function identifiersFor(person: number, random: Random, linking: number): string[] {
  const count = 1 + (person % 4)
  const own = Array.from({ length: count }, (_, at) => identifierOf(person, at))
  const first = random.pick(own)
  if (count === 1 || !random.chance(linking * (4 / 3))) return [first]
  const second = random.pick(own.filter((one) => one !== first))
  return [first, second].sort()
}

/** As long as a keyed hash in base64. */
function identifierOf(person: number, at: number): string {
  const digits = (person * 7_919 + at * 104_729 + 1_000_003).toString(36)
  return `${kinds[at] ?? 'visitor'}:${`${digits}-${person}`.padStart(22, 'x')}`
}

function touchpointOf(
  identifiers: string[],
  { person, turn, random }: { person: number; turn: number; random: Random },
): Touchpoint {
  const channel = random.pick(channels)
  const at = beganAt + turn * hourMs + random.below(hourMs)
  return {
    ...{ source: 'web', id: `e-${person}-${turn}`.padStart(22, '0'), type: random.pick(types) },
    ...{ at, sent_at: at, accepted_at: at + 40, identifiers, channel, platform: 'douyin' },
    room: channel === 'douyin.live' ? `room-${random.below(8)}` : '',
    streamer: channel === 'douyin.live' ? `streamer-${random.below(4)}` : '',
    ...{ campaign: `campaign-${random.below(20)}`, sku: '', shop: '', video: '', link: '' },
    ...{ campaign_source: '', medium: '', content: '', term: '', placement: '', page: '' },
    ...{ referrer: 'douyin.com', shared_by: '' },
  }
}

function orderOf(person: number, random: Random): Order {
  const at = beganAt + 9 * hourMs + random.below(hourMs)
  const id = String(6_920_000_000_000 + person)
  const paid = 1_000 + random.below(90_000)
  const none = { refunded_minor: 0, refunded_quantity: 0, warehouse: '', title: '', claim: null }
  return {
    order_key: `douyin:flagship:${id}`,
    ...{ platform: 'douyin', shop: 'flagship', order_id: id, source: 'douyin' },
    ...{ status: 'paid', kind: 'sale', currency: 'CNY', settlement: 'unsettled' },
    ...{ created_at: at - 60_000, paid_at: at, updated_at: at, accepted_at: at + 40 },
    ...{ paid_minor: paid, refunded_minor: 0, freight_minor: 0, settled_minor: 0 },
    lines: [
      { line_id: '1', sku: `SKU-${random.below(500)}`, quantity: 1, paid_minor: paid, ...none },
    ],
    identifiers: [identifierOf(person, 0)],
    sealed_buyer: { key_id: 'first', data: Buffer.alloc(180, 7) },
  }
}
