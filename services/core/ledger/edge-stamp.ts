// The header that an edge puts on every record it makes durable: which run of which edge, and the how many-th
// record of its source. A record written twice by the edge carries the same stamp, a client's repetition another.

export const edgeHeader = 'tributary-edge'

export interface EdgeStamp {
  /** Random, one per run of an edge process. */
  readonly boot: string
  /** Counts the records of one source, from 0. */
  readonly sequence: number
}

export function stampText({ boot, sequence }: EdgeStamp): string {
  return `${boot}:${String(sequence)}`
}

/** Null for a record that no edge of this kind made. */
export function stampFrom(headers: Readonly<Record<string, string>>): EdgeStamp | null {
  const match = /^([A-Za-z0-9_-]{1,32}):(\d{1,15})$/.exec(headers[edgeHeader] ?? '')
  return match === null ? null : { boot: match[1] ?? '', sequence: Number(match[2]) }
}
