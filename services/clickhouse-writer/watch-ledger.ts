// The writer looks at the ledger now and then: what it cannot explain goes into ledger_findings and is shown to
// Prometheus, and minutes whose state is in doubt are put on the list of the next census.
import { ledgerHorizonMs } from '../core/ledger/tally'
import type { Warehouse } from '../runtime/clickhouse'
import { tellLedger } from '../runtime/ledger'
import { lookAtLedger, type Difference, type Look } from '../runtime/ledger-look'
import type { Metrics } from '../runtime/metrics'
import { timeText, type Row } from '../core/warehouse/row'

export interface WatchOptions {
  readonly warehouse: Warehouse
  readonly metrics: Metrics
  /** Younger differences are on their way. */
  readonly olderThanMs: number
  /** Names this process among several. */
  readonly part: string
}

/** What is new shows in the last minutes; all 48 hours are looked at now and then. */
const recentMs = 2 * 3_600_000
const looksBetweenFull = 20

/** One look after another. @throws DependencyError */
export function createLedgerWatch(options: WatchOptions): () => Promise<void> {
  const { warehouse, olderThanMs, part } = options
  const show = createGauges(options.metrics)
  let looks = 0
  let last: readonly Difference[] = []
  return async () => {
    const look = await lookAtLedger(
      warehouse,
      looks % looksBetweenFull === 0 ? ledgerHorizonMs : recentMs,
    )
    looks += 1
    const unexplained = withEarlier(
      look.differences.filter(({ overdueMs }) => overdueMs >= olderThanMs),
      last.filter(({ kind, minute }) => kind !== 'roll_up' && minute < look.since),
    )
    last = unexplained.filter(({ minute }) => minute >= look.at - ledgerHorizonMs)
    const questions = look.questions.filter((key) => look.marks.askedAt(key) === Infinity)
    const found_at = timeText(look.at)
    await tellLedger(warehouse, {
      ledger_questions: questions.map(({ kind, source, minute }) => ({ kind, source, minute })),
      ledger_findings: unexplained.map((difference) => findingRow(difference, found_at)),
      ledger_marks: [{ station: 'ledger', part, looked_at: found_at, detail: '{}' }],
    })
    show(look, unexplained)
  }
}

/** Some questions look further back than the look: what they find again is one difference, as it is now. */
function withEarlier(found: readonly Difference[], earlier: readonly Difference[]): Difference[] {
  const known = new Set(found.map(keyOf))
  return [...found, ...earlier.filter((difference) => !known.has(keyOf(difference)))]
}

function keyOf({ kind, source, minute, station, fault }: Difference): string {
  return JSON.stringify([kind, source, minute, station, fault])
}

function findingRow(difference: Difference, found_at: string): Row {
  return {
    found_at,
    kind: difference.kind,
    source: difference.source,
    minute: difference.minute / 1_000,
    station: difference.station,
    fault: difference.fault,
    records: difference.records,
    ids: difference.ids,
    seen_at: difference.seenAt,
    due_at: timeText(difference.dueAt),
    overdue_seconds: difference.overdueMs / 1_000,
  }
}

function createGauges(metrics: Metrics): (look: Look, unexplained: readonly Difference[]) => void {
  const differing = metrics.gauge(
    'ledger_unexplained',
    'Records that are missing, stale or too much at a station, and sums that drifted, unexplained',
    ['kind', 'station'],
  )
  const oldest = metrics.gauge(
    'ledger_oldest_unexplained_seconds',
    'For how long the oldest of them has been due; 0 when there is none',
  )
  const looked = metrics.gauge(
    'ledger_looked_timestamp_seconds',
    'Up to when each station has been looked at; ledger: when all were compared last',
    ['station'],
  )
  const onDisk = metrics.gauge(
    'ledger_on_disk_records',
    'Records answered 2xx for that wait on the disk of an edge; silent: of one that does not run',
    ['edge'],
  )
  return ({ at, marks, onDisk: waiting }, unexplained) => {
    onDisk.reset()
    for (const { fault, records } of waiting) {
      onDisk.inc({ edge: fault === 'silent' ? 'silent' : 'running' }, records)
    }
    differing.reset()
    for (const { kind, station, records } of unexplained) differing.inc({ kind, station }, records)
    oldest.set(Math.max(0, ...unexplained.map(({ overdueMs }) => overdueMs)) / 1_000)
    looked.set({ station: 'ledger' }, at / 1_000)
    const topic = Math.min(marks.topicReadUntil('touchpoint'), marks.topicReadUntil('order'))
    looked.set({ station: 'topic' }, topic / 1_000)
    looked.set({ station: 'attributed' }, marks.census.countedFrom / 1_000)
    looked.set({ station: 'erp' }, marks.erpReadAt / 1_000)
  }
}
