// What happened in a small world: a handful of people, what they touched and bought, and how it came to be
// recorded: late, doubled, contradicting itself, in foreign partitions, or not readable at all.
import type { Claim, Order, OrderLine, Touchpoint } from '../../services/core/records'
import { aLine, anOrder, aTouchpoint, dayMs, evening, hourMs, minuteMs } from '../given'
import type { Dice } from './dice'
import { drawRules, renewRules, type Rules } from './rules'
import type { TrainedInput } from './trained-history'

export type Input =
  | { readonly topic: 'touchpoints'; readonly value: Touchpoint; readonly stray: number | null }
  | { readonly topic: 'orders'; readonly value: Order; readonly stray: number | null }
  | { readonly topic: 'touchpoints' | 'orders'; readonly bytes: string; readonly partition: number }
  | TrainedInput

/** What reaches the broker around one time. */
export interface Season {
  /** Epoch ms. */
  readonly beginsAt: number
  /** In the order in which they reach the broker. */
  readonly inputs: readonly Input[]
}

export interface History {
  readonly rules: Rules
  /** Settings that replace the others on the way; null in most histories. */
  readonly renewed: Rules | null
  readonly partitions: number
  readonly seasons: readonly Season[]
}

export function inputsOf({ seasons }: History): readonly Input[] {
  return seasons.flatMap(({ inputs }) => inputs)
}

export function drawHistory(dice: Dice): History {
  const rules = drawRules(dice)
  const partitions = dice.pick([1, 2, 3, 4, 4, 4])
  const people = drawPeople(dice)
  const events = dice.between(5, dice.pick([12, 20, 40]))
  const values: Input[] = []
  const stray = (): number | null => (dice.chance(0.04) ? dice.below(partitions) : null)
  const touches = dice.between(Math.floor(events / 3), events)
  let last: Touchpoint | null = null
  for (let number = 0; number < touches; number += 1) {
    const fresh = drawTouch(dice, people, number)
    const touch: Touchpoint = last !== null && dice.chance(0.3) ? again(dice, last, fresh) : fresh
    last = touch
    values.push({ topic: 'touchpoints', value: touch, stray: stray() })
    if (dice.chance(0.1)) values.push({ topic: 'touchpoints', value: touch, stray: stray() })
    if (dice.chance(0.1)) {
      const repeated = { ...touch, accepted_at: touch.accepted_at + dice.between(-dayMs, dayMs) }
      values.push({ topic: 'touchpoints', value: repeated, stray: stray() })
    }
    if (rules.contradictions && dice.chance(0.15)) {
      const { source, accepted_at: acceptedAt } = touch
      const other = { ...drawTouch(dice, people, number), source }
      const accepted = { accepted_at: acceptedAt + dice.pick([-1, 1]) }
      values.push({ topic: 'touchpoints', value: { ...other, ...accepted }, stray: stray() })
    }
  }
  for (let number = 0, snapshots = 0; snapshots < events - touches; number += 1) {
    for (const order of drawSnapshots(dice, people, number)) {
      values.push({ topic: 'orders', value: order, stray: stray() })
      if (dice.chance(0.1)) {
        values.push({
          topic: 'orders',
          value: { ...order, accepted_at: order.accepted_at + dice.below(minuteMs) },
          stray: stray(),
        })
      }
      snapshots += 1
    }
  }
  if (dice.chance(0.15)) {
    const topic = dice.pick(['touchpoints', 'orders'] as const)
    values.push({ topic, bytes: 'not Avro', partition: dice.below(partitions) })
  }
  const inputs = dice.chance(0.8) ? dice.shuffle(values) : values
  const first = { beginsAt: evening + 6 * dayMs, inputs }
  const lasts = dice.chance(0.2)
  // What is frozen keeps the models it was frozen with: what that comes to depends on when the walk came by.
  const renewed = !lasts && dice.chance(0.2) ? renewRules(dice, rules) : null
  const later = lasts ? drawLaterSeasons(dice, first, people) : []
  return { rules, renewed, partitions, seasons: [first, ...later] }
}

/** Months later the same people touch and buy again, and get money back for what they bought before. Nothing new is
 * shown of who is who: who is found out to be one after their touches have left keeps the credits there were. All of
 * it is over before any order or identifier is let go. */
function drawLaterSeasons(dice: Dice, first: Season, people: readonly string[][]): Season[] {
  const bought = latestSnapshots(first.inputs)
  const seasons: Season[] = []
  let beginsAt = first.beginsAt
  const many = dice.pick([1, 1, 2, 3])
  for (let season = 1; season <= many; season += 1) {
    const laterMs = dice.between(50, 110) * dayMs
    beginsAt += laterMs
    const shift = beginsAt - first.beginsAt
    const number = 100 * season
    const touches = Array.from({ length: dice.between(4, 12) }, (_, at): Input => {
      const touch = drawTouch(dice, people, number + at)
      const identifiers = [dice.pick([...dice.pick(people), `visitor:late${String(at)}`])]
      const times = { at: touch.at + shift, accepted_at: touch.accepted_at + shift }
      return { topic: 'touchpoints', value: { ...touch, ...times, identifiers }, stray: null }
    })
    const orders = Array.from({ length: dice.between(0, 2) }, (_, at) => {
      const identifiers = [dice.pick(dice.pick(people))]
      const snapshots = drawSnapshots(dice, people, number + at)
      return snapshots.map((order) => ({ ...movedBy(order, shift), identifiers }))
    }).flat()
    const refunds = dice
      .some(bought, 2)
      .filter(({ paid_at: paidAt }) => paidAt !== null)
      .map((order) => refundedLater(dice, order, beginsAt))
    for (const refund of refunds) {
      bought.splice(
        bought.findIndex((one) => one.order_key === refund.order_key),
        1,
        refund,
      )
    }
    const values = [...orders, ...refunds].map((value): Input => ({
      ...{ topic: 'orders', value, stray: null },
    }))
    seasons.push({ beginsAt, inputs: dice.shuffle([...touches, ...values]) })
  }
  return seasons
}

function latestSnapshots(inputs: readonly Input[]): Order[] {
  const latest = new Map<string, Order>()
  for (const input of inputs) {
    if (input.topic !== 'orders' || !('value' in input)) continue
    const { value } = input
    const known = latest.get(value.order_key)
    if (known === undefined || known.updated_at < value.updated_at) {
      latest.set(value.order_key, value)
    }
  }
  return [...latest.values()]
}

function movedBy(order: Order, shift: number): Order {
  const { created_at: created, paid_at: paid, updated_at: updated, accepted_at: accepted } = order
  return {
    ...order,
    ...{ created_at: created + shift, updated_at: updated + shift, accepted_at: accepted + shift },
    paid_at: paid === null ? null : paid + shift,
  }
}

function refundedLater(dice: Dice, order: Order, at: number): Order {
  const lines = order.lines.map((line) => refunded(dice, line))
  const freightBack = order.refunded_minor - sumRefunded(order.lines)
  return {
    ...{ ...order, lines, refunded_minor: sumRefunded(lines) + freightBack },
    ...{ updated_at: at, accepted_at: at },
  }
}

function sumRefunded(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, line) => sum + line.refunded_minor, 0)
}

/** The identifiers of each person; some are of more than one. */
function drawPeople(dice: Dice): string[][] {
  const many = dice.between(2, 6)
  const shared = ['visitor:tablet', 'device:till', 'phone:leader', 'unionid:group']
  return Array.from({ length: many }, (_, person) => {
    const own = [
      ...(dice.chance(0.4) ? [`code:${dice.below(many)}`] : []),
      ...(dice.chance(0.9) ? [`phone:${person}`] : []),
      ...(dice.chance(0.2) ? [`phone:${person}b`] : []),
      ...(dice.chance(0.4) ? [`unionid:${person}`] : []),
      ...(dice.chance(0.4) ? [`openid:app:${person}`] : []),
      ...(dice.chance(0.4) ? [`user:douyin:${person}`] : []),
      ...(dice.chance(0.3) ? [`user:kuaishou:${person}`] : []),
      ...(dice.chance(0.3) ? [`device:${person}`] : []),
      ...[`visitor:${person}`, `visitor:${person}b`].slice(0, dice.between(1, 2)),
    ]
    return [...own, ...(dice.chance(0.3) ? [dice.pick(shared)] : [])]
  })
}

function drawIdentifiers(dice: Dice, people: readonly string[][]): string[] {
  if (dice.chance(0.02)) return []
  // Now and then all that is known is of several people.
  if (dice.chance(0.06)) return [1, 2, 3].map(() => dice.pick(dice.pick(people)))
  const own = dice.some(dice.pick(people), dice.between(1, 3))
  return dice.chance(0.15) ? [...own, dice.pick(dice.pick(people))] : own
}

const types = [
  ...['click', 'click', 'room_enter', 'room_enter', 'card_click', 'scan', 'form', 'share'],
  ...['page_view', 'impression', 'unheard_of'],
]
const rooms = ['', '', 'r1', 'r2']
const streamers = ['', 's1', 's2']
const videos = ['', '', 'v1']
const skus = ['A', 'B', 'C']

/** Touchpoint `number`; its time of acceptance is its own, whatever its content. */
function drawTouch(dice: Dice, people: readonly string[][], number: number): Touchpoint {
  // Often minutes apart, so that some are one and some stand at the same moment.
  const at = dice.chance(0.5)
    ? evening - dice.below(18) * 10 * minuteMs
    : evening - dice.below(40 * 24) * hourMs
  const late = dice.chance(0.3) ? dice.below(3 * dayMs) : dice.below(minuteMs)
  return aTouchpoint({
    id: `t${String(number)}`,
    source: dice.pick(['web', 'web', 'app']),
    identifiers: drawIdentifiers(dice, people),
    type: dice.pick(types),
    at,
    // Two digits at the end tell all acceptances apart.
    accepted_at: Math.floor((at + late) / 1_000) * 1_000 + 10 * number,
    channel: dice.pick(['douyin.live', 'douyin.video', 'wechat.group', 'direct']),
    platform: dice.pick(['douyin', 'wechat']),
    room: dice.pick(rooms),
    streamer: dice.pick(streamers),
    video: dice.pick(videos),
    sku: dice.pick(['', '', ...skus]),
    campaign: dice.pick(['', 'double11']),
  })
}

/** The same once more, a little later, as when a room is entered again. */
function again(dice: Dice, last: Touchpoint, fresh: Touchpoint): Touchpoint {
  const laterMs = dice.pick([0, 5, 10, 10, 15, 30]) * minuteMs
  return {
    ...last,
    id: fresh.id,
    at: last.at + laterMs,
    accepted_at:
      last.accepted_at + laterMs + (fresh.accepted_at % 1_000) - (last.accepted_at % 1_000),
    identifiers: dice.chance(0.7) ? last.identifiers : fresh.identifiers,
  }
}

/** The snapshots of one order, oldest first: who bought comes to light bit by bit, money goes back. */
function drawSnapshots(dice: Dice, people: readonly string[][], number: number): Order[] {
  const createdAt = evening - dice.below(48) * hourMs + dice.below(4) * minuteMs
  const kind = dice.pick(['sale', 'sale', 'sale', 'sale', 'gift', 'sample'])
  const identifiers = drawIdentifiers(dice, people)
  const paidAfter = dice.pick([0, minuteMs, hourMs, 2 * dayMs])
  const freight = dice.pick([0, 0, 800])
  let lines = Array.from({ length: dice.between(1, 3) }, (_, line) => drawLine(dice, line))
  const snapshots: Order[] = []
  let status = 'created'
  let paidAt: number | null = null
  let freightBack = 0
  let updatedAt = createdAt + paidAfter
  let tied = false
  const steps = dice.between(1, 4)
  for (let step = 0; step < steps; step += 1) {
    if (step > 0 || dice.chance(0.5)) {
      if (paidAt === null && dice.chance(0.8)) {
        paidAt = createdAt + paidAfter
        status = 'paid'
      } else if (paidAt !== null && dice.chance(0.6)) {
        lines = lines.map((line) => (dice.chance(0.5) ? refunded(dice, line) : line))
        if (dice.chance(0.2)) freightBack = freight
        if (lines.every((line) => line.refunded_minor === line.paid_minor)) status = 'refunded'
      } else if (dice.chance(0.3)) {
        status = paidAt === null ? 'cancelled' : 'shipped'
      } else if (dice.chance(0.3) && lines.length > 1 && paidAt === null) {
        lines = lines.slice(1)
      }
    }
    const more = dice.chance(0.3) ? drawIdentifiers(dice, people) : []
    const refundedMinor = lines.reduce((sum, line) => sum + line.refunded_minor, freightBack)
    const before = snapshots.at(-1)
    // Of two of one moment the status or the money decides.
    const differs = before?.status !== status || before.refunded_minor !== refundedMinor
    tied = !tied && differs && dice.chance(0.2)
    if (!tied) updatedAt += minuteMs
    snapshots.push(
      anOrder({
        ...{ order_id: String(number), kind, status, lines, freight_minor: freight },
        ...{ created_at: createdAt, paid_at: paidAt },
        identifiers: [...identifiers, ...more],
        refunded_minor: refundedMinor,
        updated_at: updatedAt,
        accepted_at: createdAt + dice.below(5 * dayMs),
      }),
    )
  }
  return snapshots
}

function drawLine(dice: Dice, number: number): OrderLine {
  const quantity = dice.between(1, 3)
  return aLine({
    ...{ line_id: String(number), sku: dice.pick(skus), quantity },
    paid_minor: dice.pick([0, 1, 9_999, 10_000, 3_333 * quantity]),
    warehouse: dice.pick(['', '', 'east']),
    claim: dice.chance(0.4) ? drawClaim(dice) : null,
  })
}

function drawClaim(dice: Dice): Claim {
  return {
    channel: dice.pick(['douyin.live', 'douyin.video']),
    room: dice.pick(rooms),
    streamer: dice.pick(streamers),
    video: dice.pick(videos),
    promoter: dice.pick(['', 'p1']),
  }
}

function refunded(dice: Dice, line: OrderLine): OrderLine {
  const money = line.paid_minor - line.refunded_minor
  const pieces = line.quantity - line.refunded_quantity
  const all = dice.chance(0.5)
  return {
    ...line,
    refunded_minor: line.refunded_minor + (all ? money : dice.below(money + 1)),
    refunded_quantity: line.refunded_quantity + (all ? pieces : dice.below(pieces + 1)),
  }
}
