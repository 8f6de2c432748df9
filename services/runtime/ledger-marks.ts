// How far each station has looked. Something is missing only where it had been due when the station looked.
import { db, type CountedRound, type LedgerKey } from './ledger-queries'

export interface LedgerMarks {
  /** By ClickHouse's clock; this and all times here in epoch milliseconds. */
  readonly now: number
  /** Everything of a kind that Kafka had taken by then is in topic_records; 0 before the topic was read at all. */
  topicReadUntil(kind: string): number
  /** From this minute on, records of a kind may wait on the disk of an edge; Infinity when none do. */
  waitingFrom(kind: string): number
  readonly census: CensusMarks
  /** When the state was first asked to list a minute; Infinity when it was not. */
  askedAt(key: LedgerKey): number
  /** When the newest complete reading of the ERP began; 0 when there is none. */
  readonly erpReadAt: number
  /** Runs of edges that told the ledger within the last two minutes. */
  readonly edges: number
}

export interface CensusMarks {
  /** The newest complete count of every partition, and the one before; empty unless all partitions have both. */
  readonly rounds: readonly CountedRound[]
  /** The earliest of them began then; 0 when there are none. */
  readonly countedFrom: number
  /** All of them list what was asked by then. */
  readonly listedSince: number
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
  readonly waiting_since?: number | null
  /** Of a count of the state: the one before, as ClickHouse writes it. */
  readonly previous?: string
  readonly previous_at?: number
  /** What had been asked by then is listed, also by the one before. */
  readonly previous_questions_at?: number
}

/** How long a mark of an edge is believed. */
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
      .map((row) => ({ ...row, at: row.at, detail: JSON.parse(row.detail) as Detail }))
  const edges = of('accepted').filter(({ at }) => at > now - edgeFreshMs)
  return {
    now,
    edges: edges.length,
    topicReadUntil: (kind) => {
      const parts = of('topic').filter(({ detail }) => detail.kind === kind)
      return earliestOfAll(parts)
    },
    waitingFrom: (kind) => {
      const since = edges.flatMap(({ detail }) =>
        detail.kind === kind && typeof detail.waiting_since === 'number'
          ? [detail.waiting_since]
          : [],
      )
      return Math.min(Infinity, ...since) - spoolMarginMs
    },
    census: censusMarks(of('attributed')),
    askedAt: (key) => askedAt.get(keyText(key)) ?? Infinity,
    erpReadAt: Math.max(0, ...of('erp').map(({ at }) => at)),
  }
}

/** 0 unless every partition has a mark. */
function earliestOfAll(parts: readonly { at: number; detail: Detail }[]): number {
  const partitions = Math.max(0, ...parts.map(({ detail }) => detail.partitions ?? 0))
  return partitions > 0 && parts.length >= partitions ? Math.min(...parts.map(({ at }) => at)) : 0
}

function censusMarks(
  parts: readonly { part: string; at: number; at_text: string; detail: Detail }[],
): CensusMarks {
  const complete =
    earliestOfAll(parts) > 0 && parts.every(({ detail }) => (detail.previous_at ?? 0) > 0)
  if (!complete) return { rounds: [], countedFrom: 0, listedSince: 0 }
  return {
    rounds: parts.flatMap(({ part, at_text, detail }) => [
      { partition: Number(part), round: at_text },
      { partition: Number(part), round: detail.previous ?? at_text },
    ]),
    countedFrom: Math.min(...parts.map(({ detail }) => detail.previous_at ?? 0)),
    listedSince: Math.min(...parts.map(({ detail }) => detail.previous_questions_at ?? 0)),
  }
}

function keyText({ kind, source, minute }: LedgerKey): string {
  return `${kind} ${source} ${String(minute)}`
}
