// What one run of an edge has answered 2xx for, of one source and minute: how many, which set, and which of the
// numbers it gave out. The numbers are what lets a single lost record be found among records that were written
// though their client heard nothing.
import type { NumberRange } from '../number-range'
import { addToDigest } from './hash-id'

export interface AcceptedTally {
  records: number
  digest: bigint
  /** Ascending and apart. */
  ranges: NumberRange[]
}

/** Beyond this many gaps a tally only counts: its numbers are then a part of what was accepted. */
export const rangesMax = 1_000

export function emptyTally(): AcceptedTally {
  return { records: 0, digest: 0n, ranges: [] }
}

export function addAccepted(tally: AcceptedTally, number: number, hash: bigint): void {
  tally.records += 1
  tally.digest = addToDigest(tally.digest, hash)
  const last = tally.ranges.at(-1)
  if (last !== undefined && number === last.last + 1) {
    tally.ranges[tally.ranges.length - 1] = { first: last.first, last: number }
  } else {
    insertNumber(tally, number)
  }
}

/** Acknowledgements come nearly in order: what is out of it belongs near the end. */
function insertNumber(tally: AcceptedTally, number: number): void {
  const { ranges } = tally
  let at = ranges.length
  while (at > 0 && (ranges[at - 1]?.first ?? 0) > number) at -= 1
  const before = ranges[at - 1]
  const after = ranges[at]
  const joinsBefore = before?.last === number - 1
  const joinsAfter = after?.first === number + 1
  if (joinsBefore && joinsAfter) {
    ranges.splice(at - 1, 2, { first: before.first, last: after.last })
  } else if (joinsBefore) {
    ranges[at - 1] = { first: before.first, last: number }
  } else if (joinsAfter) {
    ranges[at] = { first: number, last: after.last }
  } else if (ranges.length < rangesMax) {
    ranges.splice(at, 0, { first: number, last: number })
  }
}
