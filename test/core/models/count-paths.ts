// Counts of journeys from the journeys themselves, as the warehouse counts them.
import {
  states,
  type ChannelSighting,
  type JourneyCounts,
  type Transition,
} from '../../../services/core/models/journey-counts'

export interface Path {
  readonly channels: readonly string[]
  readonly converted: boolean
  /** How many journeys went this way. */
  readonly journeys: number
}

export function aPath(text: string, journeys = 1): Path {
  const steps = text.split(' > ')
  const end = steps.at(-1)
  return { channels: steps.slice(0, -1), converted: end === 'order', journeys }
}

export function countPaths(paths: readonly Path[]): JourneyCounts {
  const transitions = new Map<string, Transition>()
  const sightings = new Map<string, ChannelSighting>()
  for (const { channels, converted, journeys } of paths) {
    const end = converted ? states.conversion : states.none
    const steps = [states.start, ...channels, end]
    for (const [at, to] of steps.entries()) {
      const from = steps[at - 1]
      if (from === undefined || from === to) continue
      const key = `${from}\n${to}`
      const times = (transitions.get(key)?.times ?? 0) + journeys
      transitions.set(key, { from, to, times })
    }
    const different = new Set(channels)
    for (const channel of different) {
      const key = `${channel}\n${different.size}\n${String(converted)}`
      const known = sightings.get(key)?.journeys ?? 0
      const seen = { channel, channels: different.size, converted }
      sightings.set(key, { ...seen, journeys: known + journeys })
    }
  }
  return { transitions: [...transitions.values()], sightings: [...sightings.values()] }
}
