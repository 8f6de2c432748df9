// Which of several statements of one figure counts, as one number: the one its source changed last, then the one
// accepted last, then by content. Where a source does not say when it changed a figure, acceptance stands for that: who
// imports a file again means what is in it. One number, because ClickHouse's ReplacingMergeTree keeps the row with the
// largest version and must agree with everybody else.
import { digestHeadOf, digestOf } from '../digest'
import type { StockLevel } from '../records'
import type { Figure } from './figure'

const timeBits = 43n
const tieDigits = 8

/** Higher wins; fits 128 bits. */
export function figurePrecedence(figure: Figure): bigint {
  return precedence(figure.updated_at ?? figure.accepted_at, figure.accepted_at, figure)
}

/** The latest reading of a SKU in a warehouse counts. */
export function stockLevelPrecedence(level: StockLevel): bigint {
  return precedence(level.read_at, level.read_at, level)
}

function precedence(changedAt: number, acceptedAt: number, content: object): bigint {
  const time = (BigInt(changedAt) << timeBits) | BigInt(acceptedAt)
  return time * 36n ** BigInt(tieDigits) + BigInt(tieOf(JSON.stringify(content)))
}

function tieOf(text: string): number {
  const head = digestHeadOf(text)
  const digest = head.length < tieDigits ? digestOf(text) : head
  return parseInt(digest.slice(0, tieDigits), 36)
}
