// The models' weights as exact fractions, and money split by them: nothing is rounded before the end.
// A second reading of the rules, on purpose without any code of the product.

/** A non-negative fraction. */
export interface Fraction {
  readonly over: bigint
  readonly under: bigint
}

const tenToTheNinth = 1_000_000_000n

/** Of a number with up to nine decimals. */
export function fraction(value: number): Fraction {
  return { over: BigInt(Math.round(value * 1e9)), under: tenToTheNinth }
}

/** Of any number between 0 and a million, as exactly as a double has it. */
export function binaryFraction(value: number): Fraction {
  return { over: BigInt(Math.round(value * 2 ** 32 * 2 ** 20)), under: 2n ** 52n }
}

export function times(a: Fraction, b: Fraction): Fraction {
  return { over: a.over * b.over, under: a.under * b.under }
}

export function divided(a: Fraction, by: number): Fraction {
  return { over: a.over, under: a.under * BigInt(by) }
}

/** Whole numbers in proportion to the fractions, summing to `whole`: each rounded down, then what is missing goes
 * to the largest remainders, the earlier first. */
export function share(whole: bigint, fractions: readonly Fraction[]): bigint[] {
  const common = fractions.reduce((product, { under }) => product * under, 1n)
  const parts = fractions.map(({ over, under }) => over * (common / under))
  const sum = parts.reduce((total, part) => total + part, 0n)
  const shares = parts.map((part) => ({ down: (whole * part) / sum, rest: (whole * part) % sum }))
  const missing = whole - shares.reduce((total, { down }) => total + down, 0n)
  const lucky = shares
    .map(({ rest }, at) => ({ rest, at }))
    .sort((a, b) => (a.rest === b.rest ? a.at - b.at : a.rest > b.rest ? -1 : 1))
    .slice(0, Number(missing))
    .map(({ at }) => at)
  return shares.map(({ down }, at) => down + (lucky.includes(at) ? 1n : 0n))
}

export interface Portion {
  /** Parts of 10^9. */
  readonly weightPpb: number
  readonly amountMinor: number
}

export function splitAmount(amountMinor: number, fractions: readonly Fraction[]): Portion[] {
  const weights = share(tenToTheNinth, fractions)
  const amounts = share(
    BigInt(amountMinor),
    weights.map((over) => ({ over, under: tenToTheNinth })),
  )
  return weights.map((weight, at) => ({
    weightPpb: Number(weight),
    amountMinor: Number(amounts[at]),
  }))
}
