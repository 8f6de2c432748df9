// Money to the last minor unit: weights become integers of 10^-9 that sum to 10^9, then the amount is split
// with integer arithmetic and largest remainder. Whatever the weights, the parts sum to the whole. Here and in attribute.ts
// a fault is failed after an `if`: calling assert to find that there is none was a fifth of an attribution.
import assert from 'node:assert/strict'

/** Weights of one model sum to this. */
export const wholePpb = 1_000_000_000

/** Up to this amount the product with a weight is exact as a number. */
const exactMinorMax = Math.floor(Number.MAX_SAFE_INTEGER / wholePpb)

/** Integer shares of `wholePpb` in proportion to non-negative weights that are not all zero; the largest
 * remainders are rounded up, ties in favour of the earlier. A weight of zero gets nothing. */
export function toPpb(weights: readonly number[]): number[] {
  let sum = 0
  for (const weight of weights) sum += weight
  if (!(sum > 0 && Number.isFinite(sum))) assert.fail('weights must have a positive sum')
  const parts = new Array<number>(weights.length)
  const remainders = new Array<number>(weights.length)
  let missing = wholePpb
  for (let at = 0; at < weights.length; at += 1) {
    const exact = ((weights[at] ?? 0) / sum) * wholePpb
    const part = Math.floor(exact)
    parts[at] = part
    remainders[at] = exact - part
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
  if (!(Number.isSafeInteger(amountMinor) && amountMinor >= 0)) {
    assert.fail('amount must be minor units')
  }
  if (amountMinor > exactMinorMax) return splitLarge(amountMinor, weightsPpb)
  const parts = new Array<number>(weightsPpb.length)
  const remainders = new Array<number>(weightsPpb.length)
  let missing = amountMinor
  for (let at = 0; at < weightsPpb.length; at += 1) {
    const product = amountMinor * (weightsPpb[at] ?? 0)
    // Near an integer a quotient may be rounded up to it; the product is exact.
    let part = Math.floor(product / wholePpb)
    if (part * wholePpb > product) part -= 1
    parts[at] = part
    remainders[at] = product - part * wholePpb
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
  if (!(missing >= 0 && missing <= parts.length)) {
    assert.fail('more is missing than rounding can explain')
  }
  if (missing > searchedMax) {
    for (const at of byRemainder(remainders).slice(0, missing)) parts[at] = (parts[at] ?? 0) + 1
    return parts
  }
  for (let left = missing; left > 0; left -= 1) {
    const largest = indexOfLargest(remainders)
    parts[largest] = (parts[largest] ?? 0) + 1
    remainders[largest] = -1
  }
  return parts
}

/** Up to so many, searching again for each is faster than sorting. */
const searchedMax = 8

/** Indexes, largest remainder first; the earlier of equals. */
function byRemainder(remainders: readonly number[]): number[] {
  return remainders
    .map((_, at) => at)
    .sort((a, b) => (remainders[b] ?? 0) - (remainders[a] ?? 0) || a - b)
}

/** The earliest of equals. */
function indexOfLargest(numbers: readonly number[]): number {
  let largest = 0
  for (let at = 1; at < numbers.length; at += 1) {
    if ((numbers[at] ?? 0) > (numbers[largest] ?? 0)) largest = at
  }
  return largest
}
