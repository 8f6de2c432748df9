// Money to the last minor unit: weights become integers of 10^-9 that sum to 10^9, then the amount is split
// with integer arithmetic and largest remainder. Whatever the weights, the parts sum to the whole.
import assert from 'node:assert/strict'

/** Weights of one model sum to this. */
export const wholePpb = 1_000_000_000

/** Integer shares of `whole` in proportion to non-negative weights that are not all zero; the largest
 * remainders are rounded up, ties in favour of the earlier. */
export function toPpb(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  assert(sum > 0 && Number.isFinite(sum), 'weights must have a positive sum')
  const exact = weights.map((weight) => (weight / sum) * wholePpb)
  const parts = exact.map(Math.floor)
  const missing = wholePpb - parts.reduce((total, part) => total + part, 0)
  const remainders = exact.map((value, index) => value - (parts[index] ?? 0))
  return roundUpLargest(parts, remainders, missing)
}

/**
 * Splits an amount over weights that sum to 10^9.
 * @param amountMinor non-negative safe integer in minor units
 * @returns integers that sum to the amount exactly
 */
export function splitMoney(amountMinor: number, weightsPpb: readonly number[]): number[] {
  assert(Number.isSafeInteger(amountMinor) && amountMinor >= 0, 'amount must be minor units')
  const whole = BigInt(wholePpb)
  const products = weightsPpb.map((weight) => BigInt(amountMinor) * BigInt(weight))
  const parts = products.map((product) => Number(product / whole))
  const remainders = products.map((product) => Number(product % whole))
  const missing = amountMinor - parts.reduce((total, part) => total + part, 0)
  return roundUpLargest(parts, remainders, missing)
}

function roundUpLargest(
  parts: readonly number[],
  remainders: readonly number[],
  missing: number,
): number[] {
  const rounded = [...parts]
  if (missing === 0) return rounded
  assert(missing > 0 && missing <= parts.length, 'more is missing than rounding can explain')
  const byRemainder = remainders
    .map((remainder, index) => ({ remainder, index }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index)
  for (const { index } of byRemainder.slice(0, missing)) rounded[index] = (rounded[index] ?? 0) + 1
  return rounded
}
