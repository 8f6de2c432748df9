// Letters as lines that fit 100 columns.
import type { DecidedLetter } from './read-letters'

const lineLength = 100

export function printLetters(shown: readonly DecidedLetter[]): void {
  if (shown.length === 0) return
  const idLength = Math.min(56, Math.max(...shown.map(({ letter }) => letter.id.length)))
  console.log(line(['buried (UTC)', 'state', 'reason', 'id'], 'key', idLength))
  for (const one of shown) {
    const { id, buriedAtMs, reason, key } = one.letter
    console.log(line([timeText(buriedAtMs), stateText(one), reason, id], keyText(key), idLength))
  }
}

/** `12 open: 9 undecodable, 3 refused-by-erp` */
export function printCounts(shown: readonly DecidedLetter[], leftOut: number): void {
  const counts = new Map<string, number>()
  for (const { letter } of shown) counts.set(letter.reason, (counts.get(letter.reason) ?? 0) + 1)
  const byReason = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ')
  const more = leftOut > 0 ? `; ${leftOut} older ones not shown` : ''
  const total = `${shown.length} dead letter${shown.length === 1 ? '' : 's'}`
  console.log(shown.length === 0 ? 'no dead letters' : `${total}: ${byReason}${more}`)
}

/** One letter as one object of snake_case fields. */
export function jsonOf({ letter, state, decision }: DecidedLetter): Record<string, unknown> {
  const { id, reason, detail, stage, origin, key, replayOf, buriedAtMs, burials } = letter
  return {
    ...{ id, state, reason, detail, stage },
    topic: origin?.topic ?? null,
    partition: origin?.partition ?? null,
    offset: origin?.offset ?? null,
    key: keyText(key),
    value_bytes: letter.valueBytes,
    buried_at: new Date(buriedAtMs).toISOString(),
    burials,
    replay_of: replayOf,
    decided_by: decision?.outcome.decided_by ?? null,
    decided_at: decision === null ? null : new Date(decision.takenAtMs).toISOString(),
    why: decision?.outcome.why ?? null,
  }
}

export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')
}

/** A record that was replayed and refused once more is open `again`. */
export function stateText({ letter, state }: DecidedLetter): string {
  return state === 'open' && letter.replayOf !== null ? 'again' : state
}

/** Keys are hashes and order numbers; what is no text is shown in hex. */
export function keyText(key: Buffer | null): string {
  if (key === null) return '(no key)'
  const text = String(key)
  return /^[\x20-\x7e\u00a0-\ufffc]*$/.test(text) ? text : `0x${key.toString('hex')}`
}

function line(cells: readonly [string, string, string, string], key: string, idLength: number) {
  const [when, state, reason, id] = cells
  const start = `${when.padEnd(19)} ${state.padEnd(10)} ${reason.padEnd(14)} ${id.padEnd(idLength)} `
  const room = Math.max(8, lineLength - start.length)
  return `${start}${key.length > room ? `${key.slice(0, room - 1)}…` : key}`.trimEnd()
}
