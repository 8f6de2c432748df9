-- As before, and a run of an edge of which the topic lacks a record is seen even where others are there twice or uncounted:
-- by its sequences, of which none may be missing.
CREATE OR REPLACE VIEW {database}.ledger_since {on_cluster}
AS
WITH toStartOfMinute({since:DateTime}) AS since
SELECT
  kind, source, minute,
  sumIf(records, station = 'accepted') AS accepted,
  hex(sumIf(digest, station = 'accepted')) AS accepted_digest,
  sumIf(records, station = 'in_topic') AS in_topic,
  hex(sumIf(digest, station = 'in_topic')) AS in_topic_digest,
  sumIf(records, station = 'unmatched') AS unmatched,
  sumIf(records, station = 'ids') AS ids,
  hex(sumIf(digest, station = 'ids')) AS ids_digest,
  sumIf(records, station = 'attributable') AS attributable,
  hex(sumIf(digest, station = 'attributable')) AS attributable_digest,
  sumIf(records, station = 'attributed') AS attributed,
  hex(sumIf(digest, station = 'attributed')) AS attributed_digest,
  sumIf(records, station = 'in_clickhouse') AS in_clickhouse,
  hex(sumIf(digest, station = 'in_clickhouse')) AS in_clickhouse_digest,
  sumIf(records, station = 'due_in_erp') AS due_in_erp,
  hex(sumIf(digest, station = 'due_in_erp')) AS due_in_erp_digest,
  sumIf(records, station = 'in_erp') AS in_erp,
  hex(sumIf(digest, station = 'in_erp')) AS in_erp_digest,
  multiIf(
    unmatched > 0, 'topic',
    minute < (
      SELECT toStartOfMinute(min(looked_at)) FROM {database}.ledger_marks FINAL WHERE station = 'attributed'
    ) AND (attributable != attributed OR attributable_digest != attributed_digest), 'attributed',
    ids != in_clickhouse OR ids_digest != in_clickhouse_digest, 'clickhouse',
    due_in_erp != in_erp OR due_in_erp_digest != in_erp_digest, 'erp',
    ''
  ) AS differs_at,
  minIfOrNull(found_at, station = 'found') AS differs_since
FROM (
  SELECT 'accepted' AS station, kind, source, minute, records, digest, toDateTime64(0, 3, 'UTC') AS found_at
  FROM {database}.ledger_entries FINAL
  WHERE minute >= since
  UNION ALL
  SELECT 'in_topic', kind, source, minute, count(), sum(id_hash), toDateTime64(0, 3, 'UTC')
  FROM {database}.topic_records
  WHERE minute >= since AND appended_at >= since AND boot != ''
  GROUP BY kind, source, minute
  UNION ALL
  SELECT 'unmatched', kind, source, minute, toUInt64(1), toUInt64(0), toDateTime64(0, 3, 'UTC')
  FROM (
    SELECT kind, source, minute, boot, records, digest, sequences
    FROM {database}.ledger_entries FINAL
    WHERE minute >= since
  ) AS told
  LEFT JOIN (
    SELECT
      kind, source, minute, boot, count() AS records, sum(id_hash) AS digest,
      groupBitmapState(sequence) AS numbers
    FROM {database}.topic_records
    WHERE minute >= since AND appended_at >= since AND boot != ''
    GROUP BY kind, source, minute, boot
  ) AS read USING (kind, source, minute, boot)
  WHERE told.records > read.records
    OR (told.records = read.records AND told.digest != read.digest)
    OR arrayExists(
      one -> bitmapCardinality(bitmapSubsetInRange(read.numbers, one.first, one.last + 1)) <= one.last - one.first,
      told.sequences
    )
  UNION ALL
  SELECT
    arrayJoin(if(named, ['ids', 'attributable'], ['ids'])), kind, source, minute, count(), sum(id_hash),
    toDateTime64(0, 3, 'UTC')
  FROM (
    SELECT
      kind, source, id_hash, max(named) AS named,
      argMax(minute, (precedence, tie, -toUnixTimestamp64Milli(accepted_at))) AS minute
    FROM {database}.topic_records
    WHERE topic_records.minute >= since AND appended_at >= since AND source != ''
    GROUP BY kind, source, id_hash
    SETTINGS optimize_aggregation_in_order = 1
  )
  GROUP BY 1, kind, source, minute
  UNION ALL
  SELECT 'attributed', kind, source, minute, records, digest, toDateTime64(0, 3, 'UTC')
  FROM {database}.ledger_census
  WHERE minute >= since AND (partition, round) IN (
    SELECT toInt32(part), looked_at FROM {database}.ledger_marks FINAL WHERE station = 'attributed'
  )
  UNION ALL
  SELECT
    'in_clickhouse', 'touchpoint', source, toStartOfMinute(toDateTime(accepted_at)) AS minute, count(),
    sum(bitOr(bitShiftLeft(toUInt64(xxHash32(id)), 32), toUInt64(kafkaMurmurHash(id)))), toDateTime64(0, 3, 'UTC')
  FROM {database}.touchpoints FINAL
  WHERE accepted_at >= since
  GROUP BY source, minute
  UNION ALL
  SELECT
    'in_clickhouse', 'order', source, toStartOfMinute(toDateTime(accepted_at)) AS minute, count(),
    sum(bitOr(bitShiftLeft(toUInt64(xxHash32(order_key)), 32), toUInt64(kafkaMurmurHash(order_key)))),
    toDateTime64(0, 3, 'UTC')
  FROM {database}.orders FINAL
  WHERE accepted_at >= since
  GROUP BY source, minute
  UNION ALL
  SELECT
    arrayJoin(if(shown, ['due_in_erp', 'in_erp'], ['due_in_erp'])), 'order', source,
    toStartOfMinute(toDateTime(accepted_at)) AS minute, count(),
    sum(bitOr(bitShiftLeft(toUInt64(xxHash32(order_key)), 32), toUInt64(kafkaMurmurHash(order_key)))),
    toDateTime64(0, 3, 'UTC')
  FROM {database}.ledger_sales_due
  WHERE accepted_at >= since
  GROUP BY 1, source, minute
  UNION ALL
  SELECT 'found', kind, source, minute, toUInt64(0), toUInt64(0), first_found_at
  FROM {database}.ledger_differences
  WHERE kind IN ('touchpoint', 'order')
)
GROUP BY kind, source, minute
COMMENT 'What five stations have, by kind, source and minute of acceptance, for minutes from {since:DateTime} on';

CREATE OR REPLACE VIEW {database}.ledger_differences {on_cluster} (
  kind String COMMENT 'touchpoint, order, roll_up',
  source String COMMENT 'Source of the records; the table of a roll-up',
  minute DateTime('UTC') COMMENT 'Minute of acceptance; the day of a roll-up',
  station String COMMENT 'Station that differs: topic, attributed, clickhouse, erp, roll_up',
  fault String COMMENT 'missing, stale (an older snapshot), surplus, removed (offsets nobody could read), cancelled, drifted (a roll-up)',
  records UInt64 COMMENT 'How many records',
  ids Array(String) COMMENT 'Some of them',
  seen_at String COMMENT 'Station that has them',
  due_at DateTime64(3, 'UTC') COMMENT 'Since when the oldest of them should have been there',
  overdue_seconds Float64 COMMENT 'How long it had been due when the station was looked at',
  first_found_at DateTime64(3, 'UTC') COMMENT 'When this difference was found first',
  found_at DateTime64(3, 'UTC') COMMENT 'When it was found last'
)
AS SELECT
  kind, source, minute, station, fault, records, ids, seen_at, due_at, overdue_seconds, first_found_at, found_at
FROM {database}.ledger_findings
JOIN (
  SELECT kind, source, minute, station, fault, min(found_at) AS first_found_at
  FROM {database}.ledger_findings
  GROUP BY kind, source, minute, station, fault
) AS first USING (kind, source, minute, station, fault)
WHERE found_at = (SELECT max(looked_at) FROM {database}.ledger_marks WHERE station = 'ledger')
COMMENT 'What the ledger could not explain when it looked last: dead letters, deletions on request, repetitions and what is still on its way are left out';
