// How a partition's mark goes on: positions with the records that were processed, and how often a record has crashed
// the process for as long as it is not behind the position.
import type { IncomingRecord } from '../runtime/kafka'
import type { StageMark } from './ports'

export function advanceMark(mark: StageMark, records: readonly IncomingRecord[]): StageMark {
  const positions: Record<string, number> = { ...mark.positions }
  for (const { topic, offset } of records) {
    positions[topic] = Math.max(positions[topic] ?? 0, offset + 1)
  }
  const crashes = Object.fromEntries(
    Object.entries(mark.crashes).filter(([place]) => {
      const cut = place.lastIndexOf(':')
      return Number(place.slice(cut + 1)) >= (positions[place.slice(0, cut)] ?? 0)
    }),
  )
  return { ...mark, positions, crashes }
}

export function crashesOf({ crashes }: StageMark, record: IncomingRecord): number {
  // Hardly ever are there any, and this is asked of every record.
  for (const place in crashes) if (place === placeOf(record)) return crashes[place] ?? 0
  return 0
}

export function countCrash(mark: StageMark, record: IncomingRecord): StageMark {
  return {
    ...mark,
    crashes: { ...mark.crashes, [placeOf(record)]: crashesOf(mark, record) + 1 },
  }
}

function placeOf({ topic, offset }: IncomingRecord): string {
  return `${topic}:${offset}`
}
