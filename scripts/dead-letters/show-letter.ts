// Everything there is to know about one letter.
import { deadLetterHeaders, replayHeaders, type Topic } from '../../services/core/topics'
import { isReject } from '../../services/core/reject'
import { DependencyError, SetupError } from '../../services/runtime/errors'
import { topicCalled, type Desk } from './desk'
import { keyText, stateText, timeText } from './print-letters'
import { fetchLetter, type DecidedLetter } from './read-letters'

const previewBytesMax = 512

export async function showLetter(
  one: DecidedLetter,
  all: ReadonlyMap<string, DecidedLetter>,
  desk: Desk,
): Promise<void> {
  const { letter, decision } = one
  const { origin, detail } = letter
  const burials = letter.burials === 1 ? '' : `, ${letter.burials} times`
  const { value } = await fetchLetter(letter, desk)
  const rows: [string, string][] = [
    ['letter', letter.id],
    ['reason', detail === '' ? letter.reason : `${letter.reason}: ${detail}`],
    ['state', stateText(one)],
    ['stage', letter.stage],
    [
      'origin',
      origin === null
        ? 'unknown'
        : `${origin.topic}, partition ${origin.partition}, offset ${origin.offset}`,
    ],
    ['buried', `${timeText(letter.buriedAtMs)} UTC${burials}`],
    ['key', keyText(letter.key)],
  ]
  if (decision !== null) {
    const { outcome, decided_by, why } = decision.outcome
    const reason = why === '' ? '' : `: ${why}`
    rows.push(['decided', `${outcome} by ${decided_by}, ${timeText(decision.takenAtMs)}${reason}`])
  }
  if (letter.replayOf !== null) rows.push(['replay of', letter.replayOf])
  const first = letter.replayOf ?? letter.id
  for (const { letter: other } of all.values()) {
    if (other.replayOf === first && other.id !== letter.id) rows.push(['came back', other.id])
  }
  for (const [name, text] of Object.entries(letter.headers)) {
    if (!ours.has(name)) rows.push(['header', `${name}: ${text}`])
  }
  for (const [name, text] of rows) console.log(`${name.padEnd(10)} ${text}`)
  console.log(
    await valueText(value, origin === null ? null : topicCalled(origin.topic, desk), desk),
  )
}

const ours: ReadonlySet<string> = new Set([
  ...Object.values(deadLetterHeaders),
  ...Object.values(replayHeaders),
])

async function valueText(value: Buffer | null, topic: Topic | null, desk: Desk): Promise<string> {
  if (value === null) return 'value      none: a tombstone'
  const size = `value      ${value.length} bytes`
  const decoded = topic === null ? 'its topic is unknown' : await decode(value, topic, desk)
  if (typeof decoded === 'string') {
    return `${size}, which cannot be decoded now: ${decoded}\n${hexLines(value)}`
  }
  return `${size}, decoded as ${topic?.record ?? ''}\n${JSON.stringify(decoded, withoutBytes, 2)}`
}

/** The value, or why it cannot be decoded. */
async function decode(value: Buffer, topic: Topic, desk: Desk): Promise<object | string> {
  try {
    const codec = await desk.registry.topicCodec(topic)
    await codec.learn([value])
    const decoded: object = codec.decode(value)
    return isReject(decoded) ? `${decoded.rejected}, ${decoded.detail}` : decoded
  } catch (error) {
    // An operator looks at letters just when something is unwell: the bytes are shown all the same.
    if (error instanceof DependencyError || error instanceof SetupError) return error.message
    throw error
  }
}

/** Sealed fields stay sealed, and short. */
function withoutBytes(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('type' in value && value.type === 'Buffer' && 'data' in value && Array.isArray(value.data)) {
    return `(${value.data.length} sealed bytes)`
  }
  return value
}

/** Sixteen bytes a line, in hex and as text. */
function hexLines(value: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(value.length, previewBytesMax); at += 16) {
    const row = value.subarray(at, at + 16)
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
    lines.push(`${String(at).padStart(8)}  ${hex.padEnd(47)}  ${text}`)
  }
  const rest = value.length - previewBytesMax
  if (rest > 0) lines.push(`          ${rest} more bytes; --raw writes all of them`)
  return lines.join('\n')
}
