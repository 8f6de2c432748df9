// The evening: two rooms on two platforms and a few hundred persons whose identifiers come to light over time,
// with everything that makes attribution hard. The same seed and the same run name give the same evening.
import { hardCases } from './hard-cases'
import { minuteMs, rooms, type Act, type RawIdentifier, type Truth } from './act'
import { seededRandom } from './random'
import { accountOf, buy, orderIdOf, phoneOf, raw, skuOf, touch, type Stage } from './stage'

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
  /** Further persons who look and never buy: touchpoints without orders, of which the ERP takes few a second. */
  readonly onlookers?: number
}

/** Doors open long before the shows; the last order comes in after them. */
export const eveningMs = 180 * minuteMs

/** Numbers below are of those who may buy and of the hard cases. */
const firstOnlooker = 1_000

export function writeEvening({ seed, run, persons, onlookers = 0 }: EveningOptions): Evening {
  const stage: Stage = {
    run,
    random: seededRandom(seed),
    acts: [],
    truth: { persons: [], alone: [], lastTouch: new Map() },
  }
  for (let person = 0; person < persons; person += 1) viewer(stage, person)
  hardCases(stage)
  for (let person = 0; person < onlookers; person += 1) viewer(stage, firstOnlooker + person, 0)
  return { run, acts: stage.acts, truth: stage.truth, lengthMs: eveningMs }
}

/** Clicks a link, enters a room again and again, looks at the shopping cart, and in the end may buy. */
function viewer(stage: Stage, number: number, buys = 0.6): void {
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
  if (!random.chance(buys)) {
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
