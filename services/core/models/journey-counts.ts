// What the trained models are computed from: how often journeys went from one channel to the next, and which channels
// they held. Counts of journeys, never journeys: however many there are, there are few of these.
import { compareTexts } from '../compare-texts'

/** States that are no channels. */
export const states = { start: '(start)', conversion: '(conversion)', none: '(none)' } as const

/** Where rare channels are counted when there are more than a model takes. */
export const otherChannel = 'other'

export interface Transition {
  /** A channel, or `(start)`. */
  readonly from: string
  /** Another channel, or `(conversion)` or `(none)`: how the journey ended. */
  readonly to: string
  /** How often; a journey may take it more than once. */
  readonly times: number
}

/** Journeys that held a channel, among so many different ones. */
export interface ChannelSighting {
  readonly channel: string
  /** Different channels of these journeys, this one included. */
  readonly channels: number
  readonly converted: boolean
  readonly journeys: number
}

export interface JourneyCounts {
  readonly transitions: readonly Transition[]
  readonly sightings: readonly ChannelSighting[]
}

/** Journeys in all; each begins once. */
export function journeysIn({ transitions }: JourneyCounts): number {
  return sumOf(transitions.filter(({ from }) => from === states.start).map(({ times }) => times))
}

/** Journeys that ended in an order. */
export function conversionsIn({ transitions }: JourneyCounts): number {
  return sumOf(transitions.filter(({ to }) => to === states.conversion).map(({ times }) => times))
}

/** Channels by name, in one order for everybody. */
export function channelsIn({ sightings }: JourneyCounts): string[] {
  return [...new Set(sightings.map(({ channel }) => channel))].sort(compareTexts)
}

/** Of all channels the `max` with the most journeys, ties by name; the others are to be counted as `other`. A channel
 * that is named like a state of the chain is always among those. */
export function channelsKept(
  all: readonly { readonly channel: string; readonly journeys: number }[],
  max: number,
): string[] {
  const reserved = new Set<string>([...Object.values(states), otherChannel])
  return all
    .filter(({ channel }) => !reserved.has(channel))
    .sort((a, b) => b.journeys - a.journeys || compareTexts(a.channel, b.channel))
    .slice(0, max)
    .map(({ channel }) => channel)
    .sort(compareTexts)
}

export function sumOf(numbers: readonly number[]): number {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}
