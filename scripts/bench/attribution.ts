// The rules alone: orders a second that one core attributes under all models. Ceiling: making the very same result
// objects without thinking, which any implementation must.
import { attribute, type Attribution } from '../../services/core/attribution/attribute'
import { defaultSettings } from '../../services/core/attribution/settings'
import { isReject } from '../../services/core/reject'
import { localCodec, type RecordCodec } from '../../services/runtime/codec'
import type { TrainedKind } from '../../services/core/models/train-models'
import type {
  Credit,
  JourneyTouch,
  Order,
  Records,
  Touchpoint,
  TrainedModel,
} from '../../services/core/records'
import { touchpointTypes } from '../../services/core/touchpoint-types'
import { seededRandom } from '../evening/random'
import type { Bench, BenchOrder } from './bench'

const pathLengths = [1, 5, 20, 100]
const conversionAt = Date.UTC(2026, 10, 11, 20)
const hourMs = 3_600_000
/** Different orders, so that no branch is always the same one. */
const variants = 64

export const attributionBench: Bench = {
  name: 'attribution',
  says: 'orders/s under all models on one core, for journeys of 1, 5, 20 and 100 touches',
  run: (order) => {
    measure(order)
    return Promise.resolve()
  },
}

function measure({ sheet, rounds, quick }: BenchOrder): void {
  const seconds = quick ? 0.2 : 2
  sheet.set({ models: defaultSettings.models.length, seconds_per_figure: seconds })
  for (let round = 0; round < rounds; round += 1) {
    for (const length of pathLengths) {
      const cases = Array.from({ length: variants }, (_, seed) => caseOf(length, seed))
      const results = cases.map(attributeCase)
      const ceiling = `objects of ${length} touches`
      sheet.write({
        ...{ name: ceiling, unit: 'orders/s' },
        value: perSecond(seconds, (at) => copyOf(at(results))),
      })
      sheet.write({
        ...{ name: `${length} touches`, unit: 'orders/s', ceiling },
        value: perSecond(seconds, (at) => attributeCase(at(cases))),
        ...(length === 5 ? { aim: '>= 200,000' } : {}),
      })
    }
  }
}

interface Case {
  readonly order: Order
  readonly touches: readonly Touchpoint[]
}

function attributeCase({ order, touches }: Case): Attribution {
  return attribute({
    order,
    touches,
    earlierOrders: [],
    settings: defaultSettings,
    trained: trainedOf,
  })
}

/** As a training of a few channels would say. */
function trainedOf(kind: TrainedKind): TrainedModel {
  return trainedByKind[kind]
}

const trainedByKind = { markov: aTrainedModel('markov'), shapley: aTrainedModel('shapley') }

function aTrainedModel(model: string): TrainedModel {
  const weights = { 'douyin.live': 400, 'douyin.video': 250, 'wechat.group': 200, direct: 100 }
  const channels = Object.entries(weights).map(([channel, weight]) => ({
    ...{ channel, weight_ppb: weight * 1_000_000 },
  }))
  return {
    ...{ model, version: 'bench', valid_from: 0, trained_at: 0, unseen_ppb: 50_000_000 },
    channels: [...channels, { channel: 'offline', weight_ppb: 50_000_000 }],
  }
}

/** @returns how often a second `action` can be done; `at` picks one variant after another */
function perSecond(
  seconds: number,
  action: (at: <T>(from: readonly T[]) => T) => { readonly net_minor: number },
): number {
  let done = 0
  let sum = 0
  const at = <T>(from: readonly T[]): T => from[done % from.length] as T
  const began = performance.now()
  let tookMs = 0
  while (tookMs < seconds * 1_000) {
    for (let step = 0; step < variants; step += 1) {
      sum += action(at).net_minor
      done += 1
    }
    tookMs = performance.now() - began
  }
  // Used, so that the work cannot be left out.
  if (!Number.isFinite(sum)) throw new Error('amounts are numbers')
  return done / (tookMs / 1_000)
}

/** The same objects once more, written as plainly as the language allows. */
function copyOf({ converted_at, net_minor, journey, credits, trained }: Attribution): Attribution {
  return {
    ...{ converted_at, net_minor, not_shown: {}, trained: { ...trained } },
    journey: journey.map(copyOfTouch),
    credits: credits.map(copyOfCredit),
  }
}

function copyOfTouch(touch: JourneyTouch): JourneyTouch {
  return {
    source: touch.source,
    id: touch.id,
    type: touch.type,
    first_at: touch.first_at,
    last_at: touch.last_at,
    touches: touch.touches,
    channel: touch.channel,
    platform: touch.platform,
    room: touch.room,
    streamer: touch.streamer,
    video: touch.video,
    sku: touch.sku,
    campaign: touch.campaign,
    promoter: touch.promoter,
    link: touch.link,
    counted: touch.counted,
    reason: touch.reason,
  }
}

function copyOfCredit(credit: Credit): Credit {
  return {
    model: credit.model,
    source: credit.source,
    touchpoint_id: credit.touchpoint_id,
    channel: credit.channel,
    platform: credit.platform,
    room: credit.room,
    streamer: credit.streamer,
    video: credit.video,
    campaign: credit.campaign,
    promoter: credit.promoter,
    weight_ppb: credit.weight_ppb,
    amount_minor: credit.amount_minor,
  }
}

function caseOf(length: number, seed: number): Case {
  const random = seededRandom(seed * 1_000 + length)
  // Within the shortest window and further apart than a session, so that as many count as there are.
  const gapMs = (23 * hourMs) / Math.max(length, 40)
  const clicks = touchpointTypes.filter((type) => type !== 'impression' && type !== 'page_view')
  const touches = Array.from({ length }, (_, at): Touchpoint => {
    const channel = random.pick([
      'douyin.live',
      'wechat.group',
      'douyin.video',
      'offline',
      'direct',
    ])
    const room = channel === 'douyin.live' ? `room-${random.below(5)}` : ''
    const happenedAt = conversionAt - Math.round((length - at) * gapMs)
    return {
      ...{ source: 'web', id: `touch-${seed}-${at}`, type: random.pick(clicks), channel, room },
      ...{ at: happenedAt, sent_at: happenedAt, accepted_at: happenedAt },
      ...{ identifiers: ['phone:somebody'], platform: 'douyin', streamer: '', video: '' },
      ...{ shop: '', sku: '', campaign: `campaign-${at}`, campaign_source: '', medium: '' },
      ...{ content: '', term: '', link: '', placement: '', page: '', referrer: '', shared_by: '' },
    }
  })
  // As the store hands them over: decoded, latest first.
  return {
    order: decoded('Order', orderOf(seed, random.below(90_000) + 100)),
    touches: touches.reverse().map((touch) => decoded('Touchpoint', touch)),
  }
}

const codecs = { Order: localCodec('Order'), Touchpoint: localCodec('Touchpoint') } as const

function decoded<Name extends 'Order' | 'Touchpoint'>(
  name: Name,
  value: Records[Name],
): Records[Name] {
  const codec = codecs[name] as RecordCodec<Records[Name]>
  const read = codec.decode(codec.encode(value))
  if (isReject(read)) throw new Error(read.detail)
  return read
}

function orderOf(seed: number, paidMinor: number): Order {
  const none = { refunded_minor: 0, refunded_quantity: 0, warehouse: '', title: '' }
  const claim = {
    ...{ channel: 'douyin.live', room: 'room-9', streamer: 'streamer-9', video: '' },
    promoter: '',
  }
  return {
    order_key: `douyin:flagship:${seed}`,
    ...{ platform: 'douyin', shop: 'flagship', order_id: String(seed), source: 'douyin' },
    ...{ status: 'paid', kind: 'sale', currency: 'CNY', settlement: 'unsettled' },
    ...{ created_at: conversionAt - 60_000, paid_at: conversionAt },
    ...{ updated_at: conversionAt, accepted_at: conversionAt },
    ...{ paid_minor: paidMinor, refunded_minor: 0, freight_minor: 0, settled_minor: 0 },
    lines: [{ line_id: '1', sku: 'SKU-1', quantity: 1, paid_minor: paidMinor, ...none, claim }],
    identifiers: ['phone:somebody'],
    sealed_buyer: null,
  }
}
