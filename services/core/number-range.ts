// Stretches of whole numbers: sequences of an edge, offsets of a partition.

/** From `first` to `last`, both included. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** What of `range` none of these ascending numbers is. */
export function gapsAmong(numbers: readonly number[], { first, last }: NumberRange): NumberRange[] {
  const gaps: NumberRange[] = []
  let next = first
  for (const number of numbers) {
    if (number > next) gaps.push({ first: next, last: Math.min(number - 1, last) })
    next = Math.max(next, number + 1)
  }
  if (next <= last) gaps.push({ first: next, last })
  return gaps
}
