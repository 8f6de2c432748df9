// The evening: two rooms on two platforms and a few hundred persons whose identifiers come to light over time,
// with everything that makes attribution hard. The same seed and the same run name give the same evening.
import { hardCases } from './hard-cases'
import {
  minuteMs,
  miniProgram,
  rooms,
  type Act,
  type OrderAct,
  type RawIdentifier,
  type Truth,
} from './act'
import { seededRandom, type Random } from './random'

export interface Evening {
  readonly run: string
  readonly acts: readonly Act[]
  readonly truth: Truth
  readonly lengthMs: number
}

export interface EveningOptions {
  readonly seed: number
  /** Names every id of this evening, so that evenings can follow one another on one installation. */
  readonly run: string
  readonly persons: number
}

export interface Stage {
  readonly run: string
  readonly random: Random
  readonly acts: Act[]
  readonly truth: Truth
}

/** Doors open long before the shows; the last order comes in after them. */
export const eveningMs = 180 * minuteMs

export function writeEvening({ seed, run, persons }: EveningOptions): Evening {
  const stage: Stage = {
    run,
    random: seededRandom(seed),
    acts: [],
    truth: { persons: [], alone: [], lastTouch: new Map() },
  }
  for (let person = 0; person < persons; person += 1) viewer(stage, person)
  hardCases(stage)
  return { run, acts: stage.acts, truth: stage.truth, lengthMs: eveningMs }
}

/** The same acts in a fraction of the time. */
export function hasten(acts: readonly Act[], times: number): Act[] {
  const sooner = (ms: number): number => Math.round(ms / times)
  return acts.map((act) => {
    const atMs = sooner(act.atMs)
    if (act.kind === 'event') {
      return act.lateMs === undefined
        ? { ...act, atMs }
        : { ...act, atMs, lateMs: sooner(act.lateMs) }
    }
    const paidAtMs = act.paidAtMs === null ? null : sooner(act.paidAtMs)
    return { ...act, atMs, paidAtMs, createdAtMs: sooner(act.createdAtMs) }
  })
}

export function phoneOf({ run }: Stage, number: number): RawIdentifier {
  let mixed = 7
  for (const character of run) mixed = (mixed * 31 + character.charCodeAt(0)) % 99_991
  return raw('phone', `139${String(mixed).padStart(5, '0')}${String(number).padStart(3, '0')}`)
}

export function raw(kind: RawIdentifier['kind'], value: string, scope = ''): RawIdentifier {
  return { kind, value, scope }
}

/** Clicks a link, enters a room again and again, looks at the shopping cart, and in the end may buy. */
function viewer(stage: Stage, number: number): void {
  const { run, random, truth } = stage
  const platform = random.chance(0.55) ? 'douyin' : 'wechat'
  const visitor = raw('visitor', `${run}-v${number}`)
  const account = accountOf(stage, platform, number)
  const phone = phoneOf(stage, number)
  const start = random.below(100) * minuteMs + random.below(minuteMs)
  const { room, streamer, channel } = rooms[platform]

  arrive(stage, { number, platform, visitor, start })
  const entered = start + 5 * minuteMs
  const entries = 1 + random.below(4)
  for (let entry = 0; entry < entries; entry += 1) {
    // The first entry comes from the link and carries both; later ones know the account only.
    const identifiers = entry === 0 ? [visitor, ...account] : account
    touch(stage, {
      ...{ source: 'rooms', id: `${number}-room-${entry}`, type: 'room_enter' },
      ...{ atMs: entered + entry * 9 * minuteMs, identifiers },
      fields: { channel, platform, room, streamer },
    })
  }
  const known = [visitor, ...account]
  if (!random.chance(0.6)) {
    truth.persons.push(known)
    return
  }
  const clicked = entered + (entries - 1) * 9 * minuteMs + 2 * minuteMs
  touch(stage, {
    ...{
      source: 'rooms',
      id: `${number}-card`,
      type: 'card_click',
      atMs: clicked,
      identifiers: account,
    },
    fields: { channel, platform, room, streamer, sku: skuOf(random) },
  })
  buy(stage, {
    number: String(number),
    platform,
    at: clicked + minuteMs,
    buyer: [phone, ...account],
  })
  truth.persons.push([phone, ...known])
  truth.lastTouch.set(orderIdOf(stage, String(number)), `${run}-${number}-card`)
}

/** How people find the room: a video's link, a poster's code, a friend's message in a group. */
function arrive(
  stage: Stage,
  {
    number,
    platform,
    visitor,
    start,
  }: { number: number; platform: string; visitor: RawIdentifier; start: number },
): void {
  const { random, run } = stage
  const way = random.pick(['video', 'poster', 'group', 'search'] as const)
  const common = {
    source: 'web',
    id: `${number}-arrive`,
    atMs: start,
    identifiers: [visitor],
  } as const
  const campaign = random.pick(['double11', 'newcomers', 'autumn'])
  switch (way) {
    case 'video':
      touch(stage, {
        ...{ ...common, type: 'click' },
        fields: {
          channel: `${platform}.video`,
          platform,
          video: `vid-${random.below(6)}`,
          utm_campaign: campaign,
        },
      })
      return
    case 'poster':
      touch(stage, {
        ...{ ...common, type: 'scan' },
        fields: {
          channel: 'offline.poster',
          placement: 'booth',
          link: `qr${random.below(4)}`,
          utm_campaign: campaign,
        },
      })
      return
    case 'group': {
      touch(stage, {
        ...{ ...common, type: 'click' },
        fields: {
          channel: 'wechat.group',
          platform: 'wechat',
          placement: 'group',
          shared_by: `visitor:${run}-v${random.below(number + 1)}`,
        },
        ...(random.chance(0.3) ? { lateMs: 20 * minuteMs } : {}),
      })
      if (random.chance(0.4)) {
        touch(stage, {
          ...{ ...common, id: `${number}-share`, type: 'share', atMs: start + 2 * minuteMs },
          fields: { channel: 'wechat.group', platform: 'wechat' },
        })
      }
      return
    }
    case 'search':
      touch(stage, {
        ...{ ...common, type: 'page_view' },
        fields: { channel: 'web.search', page: 'https://shop.example/rooms?from=search' },
      })
  }
}

export function accountOf(
  { run }: Stage,
  platform: 'douyin' | 'wechat',
  number: number,
): RawIdentifier[] {
  if (platform === 'douyin') return [raw('user', `${run}-u${number}`, 'douyin')]
  return [raw('unionid', `${run}-union${number}`), raw('openid', `${run}-o${number}`, miniProgram)]
}

export interface Touch {
  readonly source: 'web' | 'rooms'
  readonly id: string
  readonly type: string
  readonly atMs: number
  readonly identifiers: readonly RawIdentifier[]
  readonly fields: Readonly<Record<string, string>>
  readonly lateMs?: number
}

export function touch({ acts, run, random }: Stage, given: Touch): void {
  const late = given.lateMs === undefined && random.chance(0.03) ? { lateMs: 45 * minuteMs } : {}
  acts.push({ kind: 'event', ...late, ...given, id: `${run}-${given.id}` })
}

export function orderIdOf({ run }: Stage, number: string): string {
  return `${run}-${number}`
}

export interface Purchase {
  readonly number: string
  readonly platform: 'douyin' | 'wechat'
  readonly at: number
  readonly buyer: readonly RawIdentifier[]
  readonly claimed?: boolean
  readonly orderKind?: 'sale' | 'sample'
  readonly skus?: readonly string[]
}

/** An order's life: created, paid a minute later unless it is not, perhaps shipped, perhaps refunded. */
export function buy(stage: Stage, purchase: Purchase): void {
  const { random, acts } = stage
  const { number, platform, at, buyer, claimed = true, orderKind = 'sale' } = purchase
  const skus = purchase.skus ?? Array.from({ length: 1 + random.below(2) }, () => skuOf(random))
  const lines = skus.map((sku) => {
    const quantity = 1 + random.below(3)
    return {
      sku,
      quantity,
      paidMinor: orderKind === 'sample' ? 0 : quantity * (990 + random.below(9_000)),
    }
  })
  const created: OrderAct = {
    ...{ kind: 'order', atMs: at, platform, orderId: orderIdOf(stage, number), status: 'created' },
    ...{ orderKind, createdAtMs: at, paidAtMs: null, lines, refundedFreightMinor: 0 },
    freightMinor: random.chance(0.3) && orderKind === 'sale' ? 600 : 0,
    ...{ buyer, claimed, name: `客户${number}` },
  }
  acts.push(created)
  const fate = random.fraction()
  if (fate < 0.05 && orderKind === 'sale') {
    acts.push({ ...created, atMs: at + 15 * minuteMs, status: 'cancelled' })
    return
  }
  const paid: OrderAct = {
    ...created,
    atMs: at + minuteMs,
    paidAtMs: at + minuteMs,
    status: 'paid',
  }
  acts.push(paid)
  if (orderKind === 'sample') return
  if (fate < 0.13) acts.push(partlyRefunded(paid))
  else if (fate < 0.18) acts.push(fullyRefunded(paid))
  else if (fate < 0.5) acts.push({ ...paid, atMs: at + 10 * minuteMs, status: 'shipped' })
}

function partlyRefunded(paid: OrderAct): OrderAct {
  const [first, ...rest] = paid.lines
  if (first === undefined) return paid
  const refundedMinor = Math.floor(first.paidMinor / first.quantity)
  return {
    ...paid,
    atMs: paid.atMs + 12 * minuteMs,
    lines: [{ ...first, refundedMinor, refundedQuantity: 1 }, ...rest],
  }
}

function fullyRefunded(paid: OrderAct): OrderAct {
  return {
    ...paid,
    atMs: paid.atMs + 14 * minuteMs,
    status: 'refunded',
    refundedFreightMinor: paid.freightMinor,
    lines: paid.lines.map((line) => ({
      ...line,
      refundedMinor: line.paidMinor,
      refundedQuantity: line.quantity,
    })),
  }
}

function skuOf(random: Random): string {
  return `SKU-${String(1 + random.below(50)).padStart(4, '0')}`
}
