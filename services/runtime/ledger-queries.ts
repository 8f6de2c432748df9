// The ledger's questions to ClickHouse, record by record, for the minutes whose counts or digests differ. Each
// answers with rows of one shape.

import type { EdgeDisk } from './ledger-marks'

/** A minute of a source that is to be looked into. */
export interface LedgerKey {
  readonly kind: string
  readonly source: string
  /** Epoch seconds. */
  readonly minute: number
}

/** What one question finds in one minute. */
export interface FoundRow extends LedgerKey {
  readonly fault: string
  readonly records: number
  readonly ids: string[]
  readonly seen_at: string
  /** Epoch milliseconds since when the oldest of them should have been there. */
  readonly due: number
}

const orderStatuses = `['created', 'paid', 'partly_shipped', 'shipped', 'completed', 'refunded', 'cancelled']`

/** Stands for the database, quoted, in every question. */
export const db = '{db}'

/** Shown of the ids found. */
const idsShown = 20

/** `(kind, source, minute)` is one of `keys`. */
function among(keys: readonly LedgerKey[], columns = 'kind, source, minute'): string {
  const tuples = keys.map(
    ({ kind, source, minute }) => `(${quoted(kind)}, ${quoted(source)}, toDateTime(${minute}))`,
  )
  return `(${columns}) IN (${tuples.join(', ')})`
}

export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function grouped(rows: string, columns: { id: string; due: string; seenAt: string }): string {
  return `SELECT kind, source, toUnixTimestamp(minute) AS minute, fault, count() AS records,
      arraySort(groupArray(${idsShown})(${columns.id})) AS ids, '${columns.seenAt}' AS seen_at,
      toUnixTimestamp64Milli(min(${columns.due})) AS due
    FROM (${rows}) GROUP BY kind, source, minute, fault ORDER BY minute, source`
}

/** Every station, with which minutes differ there; the newest 2,000. Topic: also where it holds more than was accepted. */
export function differingMinutes(sinceMs: number): string {
  return `SELECT kind, source, toUnixTimestamp(minute) AS minute,
      arrayFilter(station -> station != '', [
        if(unmatched > 0 OR accepted > 0 AND (accepted != in_topic OR accepted_digest != in_topic_digest), 'topic', ''),
        if(attributable != attributed OR attributable_digest != attributed_digest, 'attributed', ''),
        if(ids != in_clickhouse OR ids_digest != in_clickhouse_digest, 'clickhouse', ''),
        if(due_in_erp != in_erp OR due_in_erp_digest != in_erp_digest, 'erp', '')
      ]) AS stations
    FROM ${db}.ledger_since(since = toDateTime(${Math.floor(sinceMs / 1_000)}))
    WHERE notEmpty(stations) ORDER BY minute DESC LIMIT 2000`
}

/**
 * Accepted sequences that the topic does not hold: missing, or waiting on the disk of an edge, which may be silent. What
 * was on a disk until a moment ago was not due before.
 */
export function missingInTopic(keys: readonly LedgerKey[], disks: readonly EdgeDisk[]): string {
  const waiting = disks.filter(({ waitingFrom }) => waitingFrom !== null)
  const silent = waiting.filter(({ running }) => !running)
  const from = perBoot(waiting, ({ waitingFrom }) => waitingFrom ?? 0, 'toInt64(4000000000000)')
  const emptySince = perBoot(
    disks.filter((one) => one.emptySince > 0),
    (one) => one.emptySince,
    'toInt64(0)',
  )
  const rows = `SELECT kind, source, minute, boot, sequence,
      greatest(written_at, fromUnixTimestamp64Milli(${emptySince}, 'UTC')) AS due_at,
      multiIf(
        toInt64(toUnixTimestamp(minute)) * 1000 < ${from}, 'missing',
        has([${['', ...silent.map(({ boot }) => boot)].map(quoted).join(', ')}], boot), 'silent',
        'waiting'
      ) AS fault
    FROM (
      SELECT kind, source, minute, boot, written_at,
        arrayJoin(arrayFlatten(arrayMap(one -> range(one.first, one.last + 1), sequences))) AS sequence
      FROM ${db}.ledger_entries FINAL WHERE ${among(keys)}
    )
    WHERE (kind, source, minute, boot, sequence) NOT IN (
      SELECT kind, source, minute, boot, sequence FROM ${db}.topic_records WHERE ${among(keys)}
    )`
  const id = "concat(boot, ':', toString(sequence))"
  return grouped(rows, { id, due: 'due_at', seenAt: 'accepted' })
}

/** A number that depends on `boot`. */
function perBoot(
  disks: readonly EdgeDisk[],
  valueOf: (disk: EdgeDisk) => number,
  otherwise: string,
): string {
  if (disks.length === 0) return otherwise
  const boots = disks.map(({ boot }) => quoted(boot)).join(', ')
  const values = disks.map((disk) => `toInt64(${valueOf(disk)})`).join(', ')
  return `transform(boot, [${boots}], [${values}], ${otherwise})`
}

/** Offsets of the edges' topics that nobody read, though later ones were; the last 48 hours. */
export function skippedOffsets(): string {
  const rows = `SELECT kind, '' AS source, toStartOfMinute(toDateTime(appended_at)) AS minute, kafka_topic,
      kafka_partition, kafka_offset, appended_at, before, 'removed' AS fault
    FROM (
      SELECT kind, kafka_topic, kafka_partition, kafka_offset, appended_at,
        lagInFrame(kafka_offset, 1, kafka_offset - 1) OVER (
          PARTITION BY kafka_topic, kafka_partition ORDER BY kafka_offset
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS before
      FROM ${db}.topic_records
      WHERE (kafka_topic, kafka_partition) IN (
        SELECT kafka_topic, kafka_partition FROM ${db}.topic_records
        WHERE appended_at >= now() - INTERVAL 2 DAY
        GROUP BY kafka_topic, kafka_partition
        HAVING max(kafka_offset) - min(kafka_offset) + 1 > uniqExact(kafka_offset)
      ) AND appended_at >= now() - INTERVAL 2 DAY
    )
    WHERE kafka_offset > before + 1`
  return `SELECT kind, source, toUnixTimestamp(minute) AS minute, fault,
      sum(kafka_offset - before - 1) AS records,
      arraySort(groupArray(${idsShown})(concat(
        kafka_topic, '-', toString(kafka_partition), ':', toString(before + 1), '..', toString(kafka_offset - 1)
      ))) AS ids, '' AS seen_at, toUnixTimestamp64Milli(min(appended_at)) AS due
    FROM (${rows}) GROUP BY kind, source, minute, fault ORDER BY minute`
}

/** Ids that belong to each of these minutes, with what is needed to look for them. */
function idsOf(keys: readonly LedgerKey[]): string {
  return `SELECT kind, source, minute, id, id_hash, precedence, tie, named, appended_at,
      kafka_topic, kafka_partition, kafka_offset
    FROM ${db}.topic_records WHERE ${among(keys)} AND source != ''
      AND (kind, source, id_hash) NOT IN (SELECT kind, source, id_hash FROM ${db}.ledger_forgotten)`
}

function notBuriedBy(stages: string): string {
  return `(kafka_topic, kafka_partition, kafka_offset) NOT IN (
    SELECT origin_topic, origin_partition, origin_offset FROM ${db}.dead_letters WHERE stage IN (${stages}))`
}

/** Touchpoints of the topic that have no row. One accepted again later has its row in the earlier minute. */
export function touchpointsWithoutRow(keys: readonly LedgerKey[]): string {
  const rows = `SELECT DISTINCT kind, source, minute, id, appended_at, 'missing' AS fault FROM (${idsOf(keys)})
    WHERE (source, id) NOT IN (
      SELECT source, id FROM ${db}.touchpoints WHERE (source, id) IN (SELECT source, id FROM ${db}.topic_records WHERE ${among(keys)})
    ) AND ${notBuriedBy("'clickhouse-writer'")}`
  return grouped(rows, { id: 'id', due: 'appended_at', seenAt: 'topic' })
}

/** Snapshots of the topic whose order has no row, or one older than they are. */
export function ordersWithoutRow(keys: readonly LedgerKey[]): string {
  const rows = `SELECT DISTINCT kind, source, minute, id, appended_at, if(held.id = '', 'missing', 'stale') AS fault
    FROM (${idsOf(keys)}) AS read
    LEFT JOIN (
      SELECT order_key AS id, refunded_minor,
        toUInt64(toUnixTimestamp64Milli(updated_at) * 8 + indexOf(${orderStatuses}, status)) AS precedence
      FROM ${db}.orders FINAL WHERE order_key IN (SELECT id FROM ${db}.topic_records WHERE ${among(keys)})
    ) AS held USING (id)
    WHERE (held.id = '' OR (held.precedence, held.refunded_minor) < (read.precedence, read.tie))
      AND ${notBuriedBy("'journey'")}
      AND id NOT IN (
        SELECT base64Decode(record_key) FROM ${db}.dead_letters
        WHERE stage = 'clickhouse-writer' AND endsWith(origin_topic, 'attributed-orders')
      )`
  return grouped(rows, { id: 'id', due: 'appended_at', seenAt: 'topic' })
}

/** Rows of which no record was read, since records are followed. */
export function rowsWithoutRecord(
  kind: 'touchpoint' | 'order',
  keys: readonly LedgerKey[],
): string {
  const [table, id] = kind === 'touchpoint' ? ['touchpoints', 'id'] : ['orders', 'order_key']
  const minute = 'toStartOfMinute(toDateTime(accepted_at))'
  const rows = `SELECT '${kind}' AS kind, source, ${minute} AS minute, ${id} AS id, written_at, 'surplus' AS fault
    FROM ${db}.${table} FINAL WHERE ${among(keys, `'${kind}', source, ${minute}`)}
      AND (source, id) NOT IN (SELECT source, id FROM ${db}.topic_records WHERE kind = '${kind}')
      AND accepted_at > (SELECT min(accepted_at) FROM ${db}.topic_records WHERE kind = '${kind}')`
  return grouped(rows, { id: 'id', due: 'written_at', seenAt: 'clickhouse' })
}

/** Ids that neither of two complete counts of the state, both asked to list them, has shown. */
export function missingInState(
  keys: readonly LedgerKey[],
  rounds: readonly CountedRound[],
): string {
  const counted = rounds.map(
    ({ partition, round }) => `(${partition}, toDateTime64(${quoted(round)}, 3, 'UTC'))`,
  )
  // An order with two equally new snapshots may stand in the minute of either: it is left out.
  const belongs = `SELECT kind, source, id_hash,
      argMax(minute, (precedence, tie, -toUnixTimestamp64Milli(accepted_at))) AS home, max(named) AS names,
      argMax((precedence, tie), (precedence, tie)) AS top,
      length(arrayDistinct(arrayFilter((at, rank) -> rank = top, groupArray(minute), groupArray((precedence, tie))))) AS homes
    FROM ${db}.topic_records WHERE (kind, source, id_hash) IN (SELECT kind, source, id_hash FROM (${idsOf(keys)}))
    GROUP BY kind, source, id_hash`
  const rows = `SELECT DISTINCT kind, source, minute, id, appended_at, 'missing' AS fault
    FROM (${idsOf(keys)}) AS read
    JOIN (${belongs}) AS own USING (kind, source, id_hash)
    WHERE minute = home AND names AND homes = 1 AND ${notBuriedBy("'journey'")}
      AND (kind, source, minute, id_hash) NOT IN (
        SELECT kind, source, minute, arrayJoin(hashes) FROM ${db}.ledger_census
        WHERE listed AND ${among(keys)} AND (partition, round) IN (${counted.join(', ')})
      )`
  return grouped(rows, { id: 'id', due: 'appended_at', seenAt: 'topic' })
}

/** A complete count of one partition's state. */
export interface CountedRound {
  readonly partition: number
  /** As ClickHouse writes a DateTime64(3). */
  readonly round: string
}

/** Orders whose sale the ERP does not show, or has cancelled. */
export function missingInErp(keys: readonly LedgerKey[]): string {
  const minute = 'toStartOfMinute(toDateTime(accepted_at))'
  const rows = `SELECT 'order' AS kind, source, ${minute} AS minute, order_key, due_at,
      if(state = '', 'missing', state) AS fault
    FROM ${db}.ledger_sales_due WHERE NOT shown AND ${among(keys, `'order', source, ${minute}`)}
      AND order_key NOT IN (
        SELECT order_key FROM ${db}.erp_deliveries_current WHERE kind = 'order' AND outcome = 'refused'
      )`
  return grouped(rows, { id: 'order_key', due: 'due_at', seenAt: 'clickhouse' })
}
