// Which of several touchpoints with one (source, id) counts, as one number: the earliest accepted, ties by
// content. One number, because ClickHouse's ReplacingMergeTree keeps the row with the largest version and must
// agree with everybody else on the winner.
import { digestHeadOf, digestOf } from './digest'
import type { Touchpoint } from './records'

/** Enough milliseconds for every time until the year 2248. */
const latestAcceptedAt = 2n ** 43n - 1n
const tieDigits = 4

/** Higher wins; fits 64 bits. */
export function precedenceOf(touchpoint: Touchpoint): bigint {
  const earliness = latestAcceptedAt - BigInt(touchpoint.accepted_at)
  return earliness * 36n ** BigInt(tieDigits) + BigInt(tieOf(touchpoint))
}

function tieOf(touchpoint: Touchpoint): number {
  const text = JSON.stringify(touchpoint)
  const head = digestHeadOf(text)
  // A number so small that its digits are too few comes once in 10^11 texts.
  const digest = head.length < tieDigits ? digestOf(text) : head
  return parseInt(digest.slice(0, tieDigits), 36)
}
