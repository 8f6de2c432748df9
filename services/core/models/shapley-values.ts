// The simplified Shapley value (Zhao, Mahboobi and Bagheri 2018): of the game in which a set of channels is worth the
// orders that needed no other channel. It comes to the same as splitting each order evenly over its different channels,
// so it is never negative, and needs no look at every subset. Journeys without an order are worth nothing to anybody.
import type { ChannelSighting } from './journey-counts'

/** By channel, in the order given: how many orders it is worth; together as many as there were. */
export function shapleyValues(
  channels: readonly string[],
  sightings: readonly ChannelSighting[],
): number[] {
  const values = new Map(channels.map((channel) => [channel, 0]))
  const inOrder = [...sightings].sort((a, b) => a.channels - b.channels)
  for (const { channel, channels: many, converted, journeys } of inOrder) {
    if (converted) values.set(channel, (values.get(channel) ?? 0) + journeys / many)
  }
  return channels.map((channel) => values.get(channel) ?? 0)
}
