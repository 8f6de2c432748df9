-- The ledger for people: the last 48 hours, the span in which every station still has everything.
-- Orders that should be sales in the ERP: by the rule of the sink, which its newest reading of the ERP carries, and
-- only as far as it had its turn with them before that reading.
CREATE VIEW IF NOT EXISTS {database}.ledger_sales_due {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  source String COMMENT 'Gateway source that signed the newest snapshot',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the gateway took it over',
  state String COMMENT 'State of the sale in the ERP: drafted, held, confirmed, cancelled; empty where there is none',
  shown Bool COMMENT 'The ERP shows the sale and has not cancelled it',
  due_at DateTime64(3, 'UTC') COMMENT 'When the order as it stands was attributed'
)
AS
WITH
  ifNull((SELECT argMax(detail, looked_at) FROM {database}.ledger_marks WHERE station = 'erp'), '') AS look,
  JSONExtract(look, 'positions', 'Map(String, Int64)') AS positions
SELECT
  order_key, orders.source AS source, accepted_at, sales.state AS state, state NOT IN ('', 'cancelled') AS shown,
  orders.appended_at AS due_at
FROM {database}.orders FINAL
LEFT JOIN (
  SELECT order_key, any(state) AS state
  FROM {database}.ledger_sales
  WHERE round = (SELECT max(looked_at) FROM {database}.ledger_marks WHERE station = 'erp')
  GROUP BY order_key
) AS sales USING (order_key)
WHERE has(JSONExtract(look, 'kinds', 'Array(String)'), kind)
  AND (paid_at IS NOT NULL OR JSONExtractString(look, 'on') = 'created')
  AND status != 'cancelled'
  AND (refunded_minor < paid_minor OR refunded_minor = 0 OR status IN ('partly_shipped', 'shipped', 'completed'))
  AND kafka_offset < positions[toString(kafka_partition)]
COMMENT 'One row per order that should be a sale in the ERP now, with what the ERP shows of it';

CREATE VIEW IF NOT EXISTS {database}.ledger_differences {on_cluster} (
  kind String COMMENT 'touchpoint, order, roll_up',
  source String COMMENT 'Source of the records; the table of a roll-up',
  minute DateTime('UTC') COMMENT 'Minute of acceptance; the day of a roll-up',
  station String COMMENT 'Station that differs: topic, attributed, clickhouse, erp, roll_up',
  fault String COMMENT 'missing, stale (an older snapshot), surplus, cancelled',
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

-- Counts and digests of all stations for the minutes from {since:DateTime} on. Digests come first, so that records are
-- compared one by one only where they differ.
CREATE VIEW IF NOT EXISTS {database}.ledger_since {on_cluster}
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
  FROM (SELECT kind, source, minute, boot, records, digest FROM {database}.ledger_entries FINAL WHERE minute >= since) AS told
  LEFT JOIN (
    SELECT kind, source, minute, boot, count() AS records, sum(id_hash) AS digest
    FROM {database}.topic_records
    WHERE minute >= since AND appended_at >= since AND boot != ''
    GROUP BY kind, source, minute, boot
  ) AS read USING (kind, source, minute, boot)
  WHERE told.records > read.records OR (told.records = read.records AND told.digest != read.digest)
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

CREATE VIEW IF NOT EXISTS {database}.ledger {on_cluster} (
  kind String COMMENT 'touchpoint, order',
  source String COMMENT 'Source of the records',
  minute DateTime('UTC') COMMENT 'Minute of acceptance',
  accepted UInt64 COMMENT 'Records the edges answered 2xx for; 0 where edges do not tell the ledger',
  accepted_digest String COMMENT 'Digest of their ids',
  in_topic UInt64 COMMENT 'Records in the topic that came through an edge; may be more than accepted: an edge killed before it told, a client that heard nothing, a record written twice',
  in_topic_digest String COMMENT 'Digest of their ids, each as often as it is there',
  unmatched UInt64 COMMENT 'Runs of edges of which the topic holds less than they accepted, or something else',
  ids UInt64 COMMENT 'Ids that belong to this minute: touchpoints accepted here first, orders whose newest snapshot was',
  ids_digest String COMMENT 'Digest of those ids',
  attributable UInt64 COMMENT 'Those of them that name somebody',
  attributable_digest String COMMENT 'Digest of those ids',
  attributed UInt64 COMMENT 'Records in the state of the stream processor, as counted last',
  attributed_digest String COMMENT 'Digest of their ids',
  in_clickhouse UInt64 COMMENT 'Rows of touchpoints_current or orders_current',
  in_clickhouse_digest String COMMENT 'Digest of their ids',
  due_in_erp UInt64 COMMENT 'Orders that the ERP sink has had its turn with and that are sales there',
  due_in_erp_digest String COMMENT 'Digest of their keys',
  in_erp UInt64 COMMENT 'Those of them whose sale the ERP shows and has not cancelled',
  in_erp_digest String COMMENT 'Digest of their keys',
  differs_at String COMMENT 'First station with another count or digest than it should have; empty where all agree. Explained and recent differences included: ledger_differences has the others',
  differs_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When an unexplained difference of this minute was found first'
)
AS SELECT * FROM {database}.ledger_since(since = now('UTC') - INTERVAL 2 DAY)
COMMENT 'What five stations have, by kind, source and minute of acceptance; digests are of sets of ids. Filter by minute.';

-- What is left when the credits of today's orders are taken off a roll-up: nothing, unless it has drifted.
CREATE VIEW IF NOT EXISTS {database}.roll_up_residues {on_cluster} (
  roll_up String COMMENT 'credit_hours, credit_minutes',
  bucket DateTime('UTC') COMMENT 'Hour or minute of the conversion',
  model String COMMENT 'Attribution model',
  platform String COMMENT 'Platform of the order',
  shop String COMMENT 'Shop of the order',
  channel String COMMENT 'Channel of the credited touchpoint',
  streamer String COMMENT 'Streamer of the credited touchpoint',
  room String COMMENT 'Live session of the credited touchpoint',
  campaign String COMMENT 'Campaign of the credited touchpoint',
  currency String COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Money the roll-up has too much, in minor units',
  weight_ppb Int64 COMMENT 'Credited orders it has too much, in parts of 10^9',
  credits Int64 COMMENT 'Credits it has too much'
)
AS SELECT
  roll_up, bucket, model, platform, shop, channel, streamer, room, campaign, currency,
  sum(amount) AS amount_minor, sum(weight) AS weight_ppb, sum(number) AS credits
FROM (
  SELECT
    'credit_hours' AS roll_up, hour AS bucket, model, platform, shop, channel, streamer, room, campaign, currency,
    amount_minor AS amount, weight_ppb AS weight, credits AS number
  FROM {database}.credit_hours
  UNION ALL
  SELECT
    'credit_minutes', minute, model, platform, shop, channel, streamer, room, campaign, currency,
    amount_minor, weight_ppb, credits
  FROM {database}.credit_minutes
  WHERE minute > now('UTC') - INTERVAL 47 HOUR
  UNION ALL
  SELECT
    roll_up, if(roll_up = 'credit_hours', toStartOfHour(converted), toStartOfMinute(converted)),
    credit.model, platform, shop, credit.channel, credit.streamer, credit.room, credit.campaign, currency,
    -credit.amount_minor, -credit.weight_ppb, -1
  FROM (
    SELECT platform, shop, currency, credits, toDateTime(assumeNotNull(converted_at)) AS converted
    FROM {database}.orders FINAL
    WHERE converted_at IS NOT NULL
  )
  ARRAY JOIN credits AS credit
  ARRAY JOIN ['credit_hours', 'credit_minutes'] AS roll_up
  WHERE roll_up = 'credit_hours' OR toStartOfMinute(converted) > now('UTC') - INTERVAL 47 HOUR
)
GROUP BY roll_up, bucket, model, platform, shop, channel, streamer, room, campaign, currency
HAVING amount_minor != 0 OR weight_ppb != 0 OR credits != 0
COMMENT 'What the roll-ups have too much, compared with the orders as they stand now; empty when they are right';
