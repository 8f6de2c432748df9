// People who touch and buy, for what counts journeys; and a second reading of which journeys those are.
import type { JourneyTouch } from '../../services/core/records'
import type { JourneyQuery } from '../../services/model-trainer/gather-journeys'
import { seededRandom } from '../../scripts/evening/random'
import type { Path } from '../core/models/count-paths'
import { aJourneyTouch, dayMs, evening, hourMs } from '../given'

export interface Touched {
  readonly person: string
  readonly at: number
  readonly channel: string
  readonly type: string
  readonly identifiers: readonly string[]
}

export interface Bought {
  readonly person: string
  readonly at: number
  readonly touches: readonly JourneyTouch[]
  readonly paidMinor: number
  readonly refundedMinor: number
}

export interface World {
  readonly touches: readonly Touched[]
  readonly orders: readonly Bought[]
  /** Person by identifier; `hub` for one that is nobody's. */
  readonly who: ReadonlyMap<string, string>
}

/** The same journeys, found one by one: a second reading of the rules. */
export function pathsOf({ touches, orders, who }: World, asked: JourneyQuery): Path[] {
  const { from, to, timeoutMs, clicksBeforeViews } = asked
  const paths: Path[] = []
  for (const order of orders) {
    if (order.at < from || order.at >= to) continue
    if (order.refundedMinor > 0 && order.refundedMinor === order.paidMinor) continue
    const channels = order.touches.filter(({ counted }) => counted).map(({ channel }) => channel)
    const went = channels.length === 0 ? ['direct'] : channels
    paths.push({ channels: went, converted: true, journeys: 1 })
  }
  const ownerOf = ({ identifiers }: Touched): string | undefined => {
    const own = identifiers.find((one) => who.get(one) !== 'hub')
    return own === undefined ? undefined : (who.get(own) ?? own)
  }
  const owners = new Set(touches.map(ownerOf))
  for (const owner of owners) {
    if (owner === undefined) continue
    const bought = orders.filter(({ person }) => person === owner)
    const free = touches
      .filter((touch) => ownerOf(touch) === owner && touch.type !== 'unheard_of')
      .filter((touch) => touch.at >= from - 2 * timeoutMs && touch.at < to)
      .filter((touch) =>
        bought.every((order) => {
          if (order.at < from - 2 * timeoutMs) return true
          const counted = order.touches.filter((one) => one.counted).map((one) => one.first_at)
          return touch.at < Math.min(order.at, ...counted) || touch.at > order.at
        }),
      )
      .sort((a, b) => a.at - b.at)
    let piece: Touched[] = []
    const end = (): void => {
      const endedAt = (piece.at(-1)?.at ?? 0) + timeoutMs
      const isView = ({ type }: Touched): boolean => ['impression', 'page_view'].includes(type)
      const acts = piece.filter((touch) => !isView(touch))
      const counted = clicksBeforeViews && acts.length > 0 ? acts : piece
      if (piece.length > 0 && endedAt >= from && endedAt < to) {
        const channels = counted.map(({ channel }) => channel)
        paths.push({ channels, converted: false, journeys: 1 })
      }
      piece = []
    }
    for (const touch of free) {
      const before = piece.at(-1)
      const cut =
        before !== undefined &&
        (touch.at - before.at >= timeoutMs ||
          bought.some(
            (order) =>
              order.at >= from - 2 * timeoutMs && order.at >= before.at && order.at <= touch.at,
          ))
      if (cut) end()
      piece.push(touch)
    }
    end()
  }
  return paths
}

export function drawWorld(seed: number, persons: number): World {
  const random = seededRandom(seed)
  const channels = ['live', 'video', 'group', 'direct', 'poster']
  const types = ['click', 'click', 'scan', 'room_enter', 'impression', 'page_view', 'unheard_of']
  const who = new Map([['device:hub', 'hub']])
  const touches: Touched[] = []
  const orders: Bought[] = []
  for (let number = 0; number < persons; number += 1) {
    const person = `phone:${String(number)}`
    if (random.chance(0.8)) who.set(`visitor:${String(number)}`, person)
    who.set(person, person)
    const own: Touched[] = []
    for (let step = random.below(8); step > 0; step -= 1) {
      const named = random.pick([
        [`visitor:${String(number)}`],
        [person, `visitor:${String(number)}`],
        ['device:hub', `visitor:${String(number)}`],
        ['device:hub'],
      ])
      own.push({
        ...{ person, channel: random.pick(channels), type: random.pick(types), identifiers: named },
        // Whole hours: some touches are of one moment with orders, one another, or the timeout.
        at: evening - random.below(40 * 24) * hourMs + own.length,
      })
    }
    touches.push(...own)
    for (let step = random.below(3); step > 0; step -= 1) {
      const paidAt = evening - random.below(36 * 24) * hourMs
      const before = own.filter((touch) => touch.at <= paidAt && touch.at > paidAt - 7 * dayMs)
      const journey = before
        .sort((a, b) => a.at - b.at)
        .map((touch) =>
          aJourneyTouch({
            ...{ channel: touch.channel, first_at: touch.at, last_at: touch.at },
            counted: touch.type !== 'impression',
          }),
        )
      orders.push({
        ...{ person, at: paidAt, touches: journey, paidMinor: random.pick([0, 500]) },
        refundedMinor: 0,
      })
      const last = orders.at(-1)
      if (last?.paidMinor === 500 && random.chance(0.2)) {
        orders[orders.length - 1] = { ...last, refundedMinor: random.pick([100, 500]) }
      }
    }
  }
  return { touches, orders, who }
}

export const aTouch = (given: Partial<Touched>): Touched => ({
  ...{ person: 'phone:p', at: evening - 5 * dayMs, channel: 'live', type: 'click' },
  identifiers: ['phone:p'],
  ...given,
})
