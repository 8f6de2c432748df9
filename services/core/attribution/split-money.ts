// Money to the last minor unit: weights become integers of 10^-9 that sum to 10^9, then the amount is split
// with integer arithmetic and largest remainder. Whatever the weights, the parts sum to the whole.
import assert from 'node:assert/strict'

/** Weights of one model sum to this. */
export const wholePpb = 1_000_000_000

/** Up to this amount the product with a weight is exact as a number. */
const exactMinorMax = Math.floor(Number.MAX_SAFE_INTEGER / wholePpb)

/** Integer shares of `whole` in proportion to non-negative weights that are not all zero; the largest
 * remainders are rounded up, ties in favour of the earlier. */
export function toPpb(weights: readonly number[]): number[] {
  let sum = 0
  for (const weight of weights) sum += weight
  assert(sum > 0 && Number.isFinite(sum), 'weights must have a positive sum')
  const parts: number[] = []
  const remainders: number[] = []
  let missing = wholePpb
  for (const weight of weights) {
    const exact = (weight / sum) * wholePpb
    const part = Math.floor(exact)
    parts.push(part)
    remainders.push(exact - part)
    missing -= part
  }
  return roundUpLargest(parts, remainders, missing)
}

/**
 * Splits an amount over weights that sum to 10^9.
 * @param amountMinor non-negative safe integer in minor units
 * @returns integers that sum to the amount exactly
 */
export function splitMoney(amountMinor: number, weightsPpb: readonly number[]): number[] {
  assert(Number.isSafeInteger(amountMinor) && amountMinor >= 0, 'amount must be minor units')
  if (amountMinor > exactMinorMax) return splitLarge(amountMinor, weightsPpb)
  const parts: number[] = []
  const remainders: number[] = []
  let missing = amountMinor
  for (const weight of weightsPpb) {
    const product = amountMinor * weight
    const remainder = product % wholePpb
    const part = (product - remainder) / wholePpb
    parts.push(part)
    remainders.push(remainder)
    missing -= part
  }
  return roundUpLargest(parts, remainders, missing)
}

function splitLarge(amountMinor: number, weightsPpb: readonly number[]): number[] {
  const whole = BigInt(wholePpb)
  const products = weightsPpb.map((weight) => BigInt(amountMinor) * BigInt(weight))
  const parts = products.map((product) => Number(product / whole))
  const remainders = products.map((product) => Number(product % whole))
  const missing = amountMinor - parts.reduce((total, part) => total + part, 0)
  return roundUpLargest(parts, remainders, missing)
}

/** Uses up both arrays. */
function roundUpLargest(parts: number[], remainders: number[], missing: number): number[] {
  assert(missing >= 0 && missing <= parts.length, 'more is missing than rounding can explain')
  for (let left = missing; left > 0; left -= 1) {
    const largest = indexOfLargest(remainders)
    parts[largest] = (parts[largest] ?? 0) + 1
    remainders[largest] = -1
  }
  return parts
}

/** The earliest of equals. */
function indexOfLargest(numbers: readonly number[]): number {
  let largest = 0
  for (let at = 1; at < numbers.length; at += 1) {
    if ((numbers[at] ?? 0) > (numbers[largest] ?? 0)) largest = at
  }
  return largest
}
