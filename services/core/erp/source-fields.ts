// Which source the ERP's order names: the largest credit of one chosen model.
import type { Credit } from '../records'

/** What the ERP's order says about where it came from. Empty strings where nothing is known. */
export interface SourceFields {
  readonly model: string
  readonly channel: string
  readonly campaign: string
  readonly streamer: string
  readonly room: string
  readonly video: string
  readonly promoter: string
  /** Part of the order this credit carries, in 10^-9. */
  readonly weight_ppb: number
  /** How many credits the model gave in all. */
  readonly credits: number
}

/** The source of an order under `model`; null while the model gives no credit. */
export function sourceFrom(credits: readonly Credit[], model: string): SourceFields | null {
  const own = credits.filter((credit) => credit.model === model)
  const [first, ...rest] = own
  if (first === undefined) return null
  // Weights, not amounts: a fully refunded order keeps its source. Of equals the first counts.
  const largest = rest.reduce(
    (best, credit) => (credit.weight_ppb > best.weight_ppb ? credit : best),
    first,
  )
  const { channel, campaign, streamer, room, video, promoter, weight_ppb } = largest
  return {
    model,
    channel,
    campaign,
    streamer,
    room,
    video,
    promoter,
    weight_ppb,
    credits: own.length,
  }
}

const notePrefix = 'Attribution: '

/** One line for people that holds what the ERP has no field for. */
export function noteOf(source: SourceFields): string {
  const share = (source.weight_ppb / 10_000_000).toFixed(1)
  const parts = [
    `model=${source.model}`,
    `channel=${source.channel}`,
    `share=${share}%`,
    ...(['campaign', 'streamer', 'room', 'video', 'promoter'] as const)
      .filter((name) => source[name] !== '')
      .map((name) => `${name}=${source[name]}`),
  ]
  return notePrefix + parts.join(' ').replaceAll(/\s+/g, ' ')
}

/** The comment of an ERP's order with our line in it: what people wrote there stays. */
export function withNote(comment: string, note: string): string {
  const lines = comment.split('\n')
  const at = lines.findIndex((line) => line.startsWith(notePrefix))
  if (at >= 0) return lines.with(at, note).join('\n')
  return comment === '' ? note : `${comment}\n${note}`
}

/** Our line in a comment, or nothing. */
export function noteIn(comment: string): string {
  return comment.split('\n').find((line) => line.startsWith(notePrefix)) ?? ''
}
