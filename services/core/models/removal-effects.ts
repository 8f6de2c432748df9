// Markov chains of order 1: how probable an order is without a channel. Exact, in one inversion of a dense matrix, and
// free of subtractions of equals, so that no effect is ever below zero.
import assert from 'node:assert/strict'
import { states, type Transition } from './journey-counts'

export interface MarkovChain {
  /** Probability that a journey ends in an order. */
  readonly conversion: number
  /** By channel, in the order given: 1 - P(order without the channel) / P(order), 0 to 1. All 0 where there are no orders. */
  readonly effects: readonly number[]
}

/**
 * Removal effects, as Anderl et al. (2016) define them: journeys that reach a removed channel end without an order. So
 * what is lost is the probability to reach the channel, times that of an order from there: with N = (I - Q)^-1, the
 * expected visits, the channel is reached with N[start, k] / N[k, k] (Kemeny and Snell), and an order follows with
 * probability h[k], h = N r.
 * @param channels every channel of the transitions, each once; a channel's steps to itself change nothing and are left out
 */
export function removalEffects(
  channels: readonly string[],
  transitions: readonly Transition[],
): MarkovChain {
  const { between, start, order } = probabilities(channels, transitions)
  const visits = invert(
    between.map((row, from) => row.map((share, to) => (from === to ? 1 : 0) - share)),
  )
  const orderFrom = visits.map((row) => product(row, order))
  const conversion = product(start, orderFrom)
  const effects = channels.map((_, at) => {
    const visited = product(
      start,
      visits.map((row) => row[at] ?? 0),
    )
    const reached = visited / numberAt(visits[at], at)
    return conversion === 0 ? 0 : Math.min(1, (reached * (orderFrom[at] ?? 0)) / conversion)
  })
  return { conversion, effects }
}

interface Probabilities {
  /** From channel (row) to channel. */
  readonly between: number[][]
  /** That a journey begins with each. */
  readonly start: number[]
  /** That an order follows each at once. */
  readonly order: number[]
}

function probabilities(
  channels: readonly string[],
  transitions: readonly Transition[],
): Probabilities {
  const index = new Map(channels.map((channel, at) => [channel, at]))
  const indexOf = (channel: string): number => {
    const at = index.get(channel)
    assert(at !== undefined, `no channel ${channel}`)
    return at
  }
  const row = (): number[] => channels.map(() => 0)
  const [between, start, order, left] = [channels.map(row), row(), row(), row()]
  let began = 0
  for (const { from, to, times } of transitions) {
    if (from === to) continue
    if (from === states.start) {
      start[indexOf(to)] = (start[indexOf(to)] ?? 0) + times
      began += times
      continue
    }
    const at = indexOf(from)
    left[at] = (left[at] ?? 0) + times
    if (to === states.conversion) order[at] = (order[at] ?? 0) + times
    else if (to !== states.none) addTo(between[at], indexOf(to), times)
  }
  const shareOf = (times: number, at: number): number => times / Math.max(1, left[at] ?? 0)
  return {
    between: between.map((counts, at) => counts.map((times) => shareOf(times, at))),
    start: start.map((times) => times / Math.max(1, began)),
    order: order.map(shareOf),
  }
}

function addTo(row: number[] | undefined, at: number, times: number): void {
  assert(row !== undefined)
  row[at] = (row[at] ?? 0) + times
}

/**
 * Gauss and Jordan, the largest pivot of a column first. Every journey ends, so that from every channel an end is
 * reached and the matrix can be inverted.
 */
function invert(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length
  const rows = matrix.map((row, at) => [...row, ...row.map((_, to) => (to === at ? 1 : 0))])
  for (let column = 0; column < size; column += 1) {
    let pivot = column
    for (let at = column + 1; at < size; at += 1) {
      if (Math.abs(numberAt(rows[at], column)) > Math.abs(numberAt(rows[pivot], column))) pivot = at
    }
    const [one, other] = [rows[column], rows[pivot]]
    assert(one !== undefined && other !== undefined)
    rows[column] = other
    rows[pivot] = one
    clearColumn(rows, column)
  }
  return rows.map((row) => row.slice(size).map((value) => Math.max(0, value)))
}

function clearColumn(rows: number[][], column: number): void {
  const pivotRow = rows[column]
  const pivot = numberAt(pivotRow, column)
  assert(pivotRow !== undefined && pivot !== 0, 'a channel from which no journey ends')
  for (let at = column; at < pivotRow.length; at += 1) pivotRow[at] = numberAt(pivotRow, at) / pivot
  for (const row of rows) {
    const factor = row === pivotRow ? 0 : numberAt(row, column)
    if (factor === 0) continue
    for (let at = column; at < row.length; at += 1) {
      row[at] = numberAt(row, at) - factor * numberAt(pivotRow, at)
    }
  }
}

function product(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) sum += numberAt(a, at) * numberAt(b, at)
  return sum
}

function numberAt(row: readonly number[] | undefined, at: number): number {
  const number = row?.[at]
  assert(number !== undefined)
  return number
}
