// The rules a figure must keep before anything is divided by it. Types and lengths are checked before.
import { currencyFaults } from '../edge/currency-faults'
import type { Fault } from '../edge/notes'
import { isStorableTime } from '../storable-time'
import type { FigureKind, FigureMessage } from './figure'

const minuteMs = 60_000
const dayMs = 86_400_000

/** A source whose clock were further ahead could not be corrected until the time has come. */
export const updatedLeadMaxMs = 5 * minuteMs
/** What is announced, booked or priced in advance. */
export const figureLeadMaxMs = 400 * dayMs
/** Rooms that never close are stated month by month. */
export const sessionMaxMs = 31 * dayMs
export const spendSpanMaxMs = 366 * dayMs

type Times = Readonly<Record<string, number | null>>

/** What is wrong with a figure of `kind`; empty when it can be taken. */
export function figureFaults<Kind extends FigureKind>(
  kind: Kind,
  message: FigureMessage<Kind>,
  acceptedAt: number,
): Fault[] {
  return [...updatedFaults(message, acceptedAt), ...rules[kind](message, acceptedAt)]
}

const rules: {
  readonly [Kind in FigureKind]: (message: FigureMessage<Kind>, acceptedAt: number) => Fault[]
} = {
  'live-sessions': ({ currency, started_at, ended_at }, acceptedAt) => [
    ...currencyFaults(currency),
    ...timeFaults({ started_at, ended_at }, acceptedAt),
    ...(ended_at === null
      ? []
      : spanFaults({
          field: 'ended_at',
          from: 'started_at',
          ms: ended_at - started_at,
          maxMs: sessionMaxMs,
        })),
  ],
  'ad-spend': ({ currency, from_at, to_at }, acceptedAt) => [
    ...currencyFaults(currency),
    ...timeFaults({ from_at, to_at }, acceptedAt),
    ...spanFaults({ field: 'to_at', from: 'from_at', ms: to_at - from_at, maxMs: spendSpanMaxMs }),
  ],
  'product-costs': ({ currency, valid_from }, acceptedAt) => [
    ...currencyFaults(currency),
    ...timeFaults({ valid_from }, acceptedAt),
  ],
  'sku-mappings': () => [],
}

function updatedFaults({ updated_at: at }: FigureMessage, acceptedAt: number): Fault[] {
  return at !== null && at > acceptedAt + updatedLeadMaxMs
    ? [{ field: 'updated_at', fault: 'is more than 5 minutes ahead' }]
    : []
}

function timeFaults(times: Times, acceptedAt: number): Fault[] {
  return Object.entries(times).flatMap(([field, at]) =>
    at !== null && (at > acceptedAt + figureLeadMaxMs || !isStorableTime(at))
      ? [{ field, fault: 'is more than 400 days ahead' }]
      : [],
  )
}

function spanFaults(span: {
  readonly field: string
  readonly from: string
  readonly ms: number
  readonly maxMs: number
}): Fault[] {
  const { field, from, ms, maxMs } = span
  if (ms <= 0) return [{ field, fault: `must be after ${from}` }]
  if (ms <= maxMs) return []
  return [
    { field, fault: `must be at most ${maxMs / dayMs} days after ${from}: state it in parts` },
  ]
}
