// One look at the whole ledger: counts and digests of all minutes first, then record by record only where they
// differ. What is explained by dead letters, deletions on request, repetitions, killed edges, and what a station
// has not got round to yet, is no difference.
import { setTimeout as pause } from 'node:timers/promises'
import { ledgerHorizonMs, minuteOf } from '../core/ledger/tally'
import { quoteIdentifier } from '../core/warehouse/migration'
import type { Warehouse } from './clickhouse'
import {
  db,
  differingMinutes,
  missingInErp,
  missingInState,
  missingInTopic,
  ordersWithoutRow,
  rowsWithoutRecord,
  skippedOffsets,
  touchpointsWithoutRow,
  type FoundRow,
  type LedgerKey,
} from './ledger-queries'
import { rollUpDays } from './ledger-roll-ups'
import { readMarks, type LedgerMarks } from './ledger-marks'

export type LedgerStation = 'topic' | 'attributed' | 'clickhouse' | 'erp' | 'roll_up'

export interface Difference {
  readonly kind: string
  readonly source: string
  /** Epoch milliseconds; of a roll-up the day. */
  readonly minute: number
  /** Where something is missing or too much. */
  readonly station: LedgerStation
  readonly fault: string
  readonly records: number
  /** Some of them. */
  readonly ids: readonly string[]
  /** The station that has them. */
  readonly seenAt: string
  /** Epoch milliseconds since when the oldest should have been there. */
  readonly dueAt: number
  /** How long it had been due when the station was looked at. */
  readonly overdueMs: number
}

export interface Look {
  /** By ClickHouse's clock, epoch milliseconds. */
  readonly at: number
  /** The first minute looked at. */
  readonly since: number
  readonly differences: readonly Difference[]
  /** What is not in the topic because it waits on the disk of an edge; `silent` where that edge does not run. */
  readonly onDisk: readonly Difference[]
  readonly marks: LedgerMarks
  /** Minutes whose state is to be listed, so that a next look can tell. */
  readonly questions: readonly LedgerKey[]
}

type Ask = <Row>(sql: string) => Promise<Row[]>

/**
 * Looks at the minutes of the last `backMs`, at most 48 hours, and at all roll-ups.
 * @throws DependencyError
 */
export async function lookAtLedger(
  warehouse: Warehouse,
  backMs: number = ledgerHorizonMs,
): Promise<Look> {
  const database = quoteIdentifier(warehouse.database)
  const ask: Ask = (sql) => warehouse.query(sql.replaceAll(db, database))
  const marks = await readMarks(ask)
  const since = minuteOf(marks.now - Math.min(backMs, ledgerHorizonMs))
  const differing = await ask<LedgerKey & { stations: LedgerStation[] }>(differingMinutes(since))
  const keysAt = (station: LedgerStation, kind?: string): LedgerKey[] =>
    differing.filter((one) => one.stations.includes(station) && (kind ?? one.kind) === one.kind)
  const found = [
    ...(await atTopic(ask, keysAt('topic'), marks)),
    ...(await inState(ask, keysAt('attributed'), marks)),
    ...(await inTables(ask, keysAt, marks)),
    ...(await inErp(ask, keysAt('erp'), marks)),
    ...(await inRollUps(ask, marks)),
  ]
  return {
    at: marks.now,
    since,
    differences: found.filter((one) => one.overdueMs > 0 && !isOnDisk(one)),
    onDisk: found.filter(isOnDisk),
    marks,
    questions: keysAt('attributed').filter((key) => isCounted(key, marks)),
  }
}

function isOnDisk({ fault }: Difference): boolean {
  return fault === 'waiting' || fault === 'silent'
}

async function atTopic(ask: Ask, keys: LedgerKey[], marks: LedgerMarks): Promise<Difference[]> {
  const skipped = await ask<FoundRow>(skippedOffsets())
  const known = skipped.map((row) => differenceOf(row, 'topic', marks.now))
  if (keys.length === 0) return known
  const rows = await ask<FoundRow>(missingInTopic(keys, marks.disks))
  return [
    ...known,
    ...rows.map((row) => differenceOf(row, 'topic', marks.topicReadUntil(row.kind))),
  ]
}

async function inState(ask: Ask, keys: LedgerKey[], marks: LedgerMarks): Promise<Difference[]> {
  const { rounds, countedFrom, listedSince } = marks.census
  const listed = keys.filter((key) => marks.askedAt(key) <= listedSince)
  if (listed.length === 0 || rounds.length === 0) return []
  const rows = await ask<FoundRow>(missingInState(listed, rounds))
  return rows.map((row) => differenceOf(row, 'attributed', countedFrom))
}

async function inTables(
  ask: Ask,
  keysAt: (station: LedgerStation, kind: string) => LedgerKey[],
  marks: LedgerMarks,
): Promise<Difference[]> {
  const touchpoints = keysAt('clickhouse', 'touchpoint')
  const orders = keysAt('clickhouse', 'order')
  const questions = [
    ...(touchpoints.length === 0
      ? []
      : [touchpointsWithoutRow(touchpoints), rowsWithoutRecord('touchpoint', touchpoints)]),
    ...(orders.length === 0 ? [] : [ordersWithoutRow(orders), rowsWithoutRecord('order', orders)]),
  ]
  const found: Difference[] = []
  for (const question of questions) {
    const rows = await ask<FoundRow>(question)
    found.push(...rows.map((row) => differenceOf(row, 'clickhouse', marks.now)))
  }
  return found
}

async function inErp(ask: Ask, keys: LedgerKey[], marks: LedgerMarks): Promise<Difference[]> {
  if (keys.length === 0) return []
  const rows = await ask<FoundRow>(missingInErp(keys))
  return rows.map((row) => differenceOf(row, 'erp', marks.erpReadAt))
}

/** A row and its sum do not become visible at the same instant: only what two looks show alike has drifted. */
const rollUpPauseMs = 500

async function inRollUps(ask: Ask, marks: LedgerMarks): Promise<Difference[]> {
  const first = await ask<RollUpDay>(rollUpDays())
  if (first.length === 0) return []
  await pause(rollUpPauseMs)
  const again = await ask<RollUpDay>(rollUpDays())
  const residues = new Set(again.map(({ residue }) => residue))
  return first
    .filter(({ residue }) => residues.has(residue))
    .map(({ roll_up, day, records, ids }) => ({
      kind: 'roll_up',
      source: roll_up,
      minute: day * 1_000,
      station: 'roll_up',
      fault: 'drifted',
      records,
      ids,
      seenAt: 'clickhouse',
      dueAt: day * 1_000,
      overdueMs: marks.now - day * 1_000,
    }))
}

interface RollUpDay {
  readonly roll_up: string
  /** Epoch seconds. */
  readonly day: number
  readonly records: number
  readonly ids: string[]
  /** Changes with every amount. */
  readonly residue: string
}

function isCounted({ minute }: LedgerKey, { census }: LedgerMarks): boolean {
  return census.rounds.length > 0 && (minute + 60) * 1_000 <= census.countedFrom
}

function differenceOf(row: FoundRow, station: LedgerStation, lookedAt: number): Difference {
  return {
    kind: row.kind,
    source: row.source,
    minute: row.minute * 1_000,
    station,
    fault: row.fault,
    records: row.records,
    ids: row.ids,
    seenAt: row.seen_at,
    dueAt: row.due,
    overdueMs: lookedAt - row.due,
  }
}
