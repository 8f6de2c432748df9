// How far each station has looked. Something is missing only where it had been due when the station looked.
import { minuteOf } from '../core/ledger/tally'
import { db, type CountedRound, type LedgerKey } from './ledger-queries'

export interface LedgerMarks {
  /** By ClickHouse's clock; this and all times here in epoch milliseconds. */
  readonly now: number
  /** Everything of a kind that Kafka had taken by then is in topic_records; 0 before the topic was read at all. */
  topicReadUntil(kind: string): number
  /** For each run of an edge what is on its disk, as whoever has had that disk last says. */
  readonly disks: readonly EdgeDisk[]
  readonly census: CensusMarks
  /** When the state was first asked to list a minute; Infinity when it was not. */
  askedAt(key: LedgerKey): number
  /** When the newest complete reading of the ERP began; 0 when there is none. */
  readonly erpReadAt: number
  /** When an edge for records of a kind told the ledger last; 0: never. */
  toldAt(kind: string): number
}

/** The disk that a run of an edge spooled to; a later run may have it now. */
export interface EdgeDisk {
  readonly boot: string
  /** Records accepted from this minute on may wait there; null when none does. */
  readonly waitingFrom: number | null
  /** Since when none does; 0 where that is not told. */
  readonly emptySince: number
  /** Who has it runs and tells the ledger. */
  readonly running: boolean
}

export interface CensusMarks {
  /** The newest complete count of every partition, and the one before; empty unless all partitions have both. */
  readonly rounds: readonly CountedRound[]
  /** The earliest of them began then; 0 when there are none. */
  readonly countedFrom: number
  /** All of them list what was asked by then. */
  readonly listedSince: number
  /** The longest count that they took. */
  readonly roundMs: number
}

interface MarkRow {
  readonly station: string
  readonly part: string
  readonly at: number
  readonly at_text: string
  readonly now: number
  readonly detail: string
}

interface Detail {
  readonly kind?: string
  readonly partitions?: number
  /** Of an edge: the same for every run over one disk. */
  readonly spool?: string
  /** When the oldest record that waits was put there. */
  readonly waiting_since?: number | null
  /** For how long none has been waiting. */
  readonly empty_ms?: number
  /** Of a count of the state: the one before, as ClickHouse writes it. */
  readonly previous?: string
  readonly previous_at?: number
  /** What had been asked by then is listed, also by the one before. */
  readonly previous_questions_at?: number
}

/** An edge that has not told anything for so long does not run. */
const edgeFreshMs = 120_000
/** Longer than a client waits before its records go to the disk. */
const spoolMarginMs = 60_000

export async function readMarks(ask: <Row>(sql: string) => Promise<Row[]>): Promise<LedgerMarks> {
  const rows = await ask<MarkRow>(
    `SELECT station, part, toUnixTimestamp64Milli(looked_at) AS at, toString(looked_at) AS at_text,
       detail, toUnixTimestamp64Milli(now64(3)) AS now
     FROM ${db}.ledger_marks FINAL
     UNION ALL SELECT '', '', 0, '', '', toUnixTimestamp64Milli(now64(3))`,
  )
  const asked = await ask<LedgerKey & { at: number }>(
    `SELECT kind, source, toUnixTimestamp(minute) AS minute, toUnixTimestamp64Milli(min(asked_at)) AS at
     FROM ${db}.ledger_questions GROUP BY kind, source, minute`,
  )
  const askedAt = new Map(asked.map((key) => [keyText(key), key.at]))
  const now = rows[0]?.now ?? 0
  const of = (station: string) =>
    rows
      .filter((row) => row.station === station)
      .map((row): Mark => ({ ...row, detail: JSON.parse(row.detail) as Detail }))
  const edges = of('accepted')
  return {
    now,
    disks: disksOf(edges, now),
    toldAt: (kind) =>
      Math.max(0, ...edges.filter(({ detail }) => detail.kind === kind).map(({ at }) => at)),
    topicReadUntil: (kind) => {
      const parts = of('topic').filter(({ detail }) => detail.kind === kind)
      return earliestOfAll(parts)
    },
    census: censusMarks(of('attributed')),
    askedAt: (key) => askedAt.get(keyText(key)) ?? Infinity,
    erpReadAt: Math.max(0, ...of('erp').map(({ at }) => at)),
  }
}

interface Mark extends Omit<MarkRow, 'detail'> {
  readonly detail: Detail
}

/** A run that has ended is spoken for by the next over its disk; until there is one its last words hold. */
function disksOf(edges: readonly Mark[], now: number): EdgeDisk[] {
  const speakers = new Map<string, Mark>()
  const diskOf = ({ part, detail }: Mark): string => detail.spool ?? part
  for (const edge of edges) {
    const known = speakers.get(diskOf(edge))
    if (known === undefined || known.at < edge.at) speakers.set(diskOf(edge), edge)
  }
  return edges.map((edge) => {
    const { at, detail } = speakers.get(diskOf(edge)) ?? edge
    const { waiting_since: since = null, empty_ms: emptyMs } = detail
    return {
      boot: edge.part,
      waitingFrom: since === null ? null : minuteOf(since - spoolMarginMs),
      emptySince: since !== null || emptyMs === undefined ? 0 : at - emptyMs,
      running: at > now - edgeFreshMs,
    }
  })
}

/** 0 unless every partition has a mark. */
function earliestOfAll(parts: readonly Mark[]): number {
  const partitions = Math.max(0, ...parts.map(({ detail }) => detail.partitions ?? 0))
  return partitions > 0 && parts.length >= partitions ? Math.min(...parts.map(({ at }) => at)) : 0
}

function censusMarks(parts: readonly Mark[]): CensusMarks {
  const complete =
    earliestOfAll(parts) > 0 && parts.every(({ detail }) => (detail.previous_at ?? 0) > 0)
  if (!complete) return { rounds: [], countedFrom: 0, listedSince: 0, roundMs: 0 }
  return {
    rounds: parts.flatMap(({ part, at_text, detail }) => [
      { partition: Number(part), round: at_text },
      { partition: Number(part), round: detail.previous ?? at_text },
    ]),
    countedFrom: Math.min(...parts.map(({ detail }) => detail.previous_at ?? 0)),
    listedSince: Math.min(...parts.map(({ detail }) => detail.previous_questions_at ?? 0)),
    roundMs: Math.max(...parts.map(({ at, detail }) => at - (detail.previous_at ?? at))),
  }
}

function keyText({ kind, source, minute }: LedgerKey): string {
  return `${kind} ${source} ${String(minute)}`
}
