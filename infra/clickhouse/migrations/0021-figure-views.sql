-- What counts of the figures, flat: FINAL built in, what was withdrawn left out.
CREATE VIEW IF NOT EXISTS {database}.live_sessions_current {on_cluster} (
  platform String COMMENT 'Platform of the room',
  room String COMMENT 'Live session, as touchpoints, claims and credits name it',
  session String COMMENT 'Which of several in that room; empty where each session has a room of its own',
  shop String COMMENT 'Shop it sells for; empty for more than one',
  streamer String COMMENT 'Who hosts it',
  title String COMMENT 'What it is called',
  started_at DateTime64(3, 'UTC') COMMENT 'When it goes, or went, on the air',
  ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was over; null until then',
  currency String COMMENT 'ISO 4217 code of slot_fee_minor',
  slot_fee_minor Int64 COMMENT 'Paid for the session as such, whatever it sells, in minor units',
  commission_basis_points Int32 COMMENT 'The streamer\'s share of what is credited to the room, less refunds: 2000 is 20 %',
  source String COMMENT 'Who stated it',
  changed_at DateTime64(3, 'UTC') COMMENT 'When the source changed it last, or else when it was accepted',
  written_at DateTime64(3, 'UTC') COMMENT 'When it was written here'
)
AS SELECT
  platform, room, session, shop, streamer, title, started_at, ended_at, currency, slot_fee_minor,
  commission_basis_points, source, ifNull(updated_at, accepted_at) AS changed_at, written_at
FROM {database}.live_sessions FINAL
WHERE NOT withdrawn
COMMENT 'One row per live session, announced, on the air or over';

CREATE VIEW IF NOT EXISTS {database}.ad_spend_current {on_cluster} (
  id String COMMENT 'Unique within the source',
  from_at DateTime64(3, 'UTC') COMMENT 'When the span begins over which the money was spent, evenly',
  to_at DateTime64(3, 'UTC') COMMENT 'The first moment after the span',
  platform String COMMENT 'Platform the money was for; empty where it was for no one of them',
  shop String COMMENT 'Shop it was for; empty where it was for no one of them',
  channel String COMMENT 'Channel it was for, as touchpoints name it; empty where it was for no one of them',
  campaign String COMMENT 'Campaign it was for; empty where it was for no one of them',
  room String COMMENT 'Live session it was for; empty where it was for no one of them',
  streamer String COMMENT 'Streamer it was for; empty where it was for no one of them',
  currency String COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Money spent over the whole span, in minor units',
  source String COMMENT 'Who stated it',
  changed_at DateTime64(3, 'UTC') COMMENT 'When the source changed it last, or else when it was accepted',
  written_at DateTime64(3, 'UTC') COMMENT 'When it was written here'
)
AS SELECT
  id, from_at, to_at, platform, shop, channel, campaign, room, streamer, currency, amount_minor, source,
  ifNull(updated_at, accepted_at) AS changed_at, written_at
FROM {database}.ad_spend FINAL
WHERE NOT withdrawn
COMMENT 'One row per amount spent on advertising';

CREATE VIEW IF NOT EXISTS {database}.product_costs_current {on_cluster} (
  sku String COMMENT 'SKU code of the merchant, as the ERP knows it',
  currency String COMMENT 'ISO 4217 code of cost_minor',
  valid_from DateTime64(3, 'UTC') COMMENT 'From when on, until the next valid_from of the SKU and currency',
  cost_minor Int64 COMMENT 'Cost of one piece, in minor units',
  valid_to Nullable(DateTime64(3, 'UTC')) COMMENT 'The first moment at which it holds no more; null for the last of a SKU and currency',
  source String COMMENT 'Who stated it',
  changed_at DateTime64(3, 'UTC') COMMENT 'When the source changed it last, or else when it was accepted',
  written_at DateTime64(3, 'UTC') COMMENT 'When it was written here'
)
AS SELECT
  sku, currency, valid_from, cost_minor,
  leadInFrame(toNullable(valid_from)) OVER (
    PARTITION BY sku, currency ORDER BY valid_from ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) AS valid_to, source, ifNull(updated_at, accepted_at) AS changed_at, written_at
FROM {database}.product_costs FINAL
WHERE NOT withdrawn
COMMENT 'One row per SKU, currency and time from which a cost holds';

CREATE VIEW IF NOT EXISTS {database}.sku_mappings_current {on_cluster} (
  platform String COMMENT 'Platform whose SKU it is',
  shop String COMMENT 'Shop on that platform; empty for every shop without a mapping of its own',
  platform_sku String COMMENT 'SKU as the platform calls it',
  sku String COMMENT 'SKU code of the merchant, as the ERP knows it',
  pieces Int32 COMMENT 'Pieces of the own SKU in one of the platform\'s',
  source String COMMENT 'Who stated it',
  changed_at DateTime64(3, 'UTC') COMMENT 'When the source changed it last, or else when it was accepted',
  written_at DateTime64(3, 'UTC') COMMENT 'When it was written here'
)
AS SELECT
  platform, shop, platform_sku, sku, pieces, source, ifNull(updated_at, accepted_at) AS changed_at, written_at
FROM {database}.sku_mappings FINAL
WHERE NOT withdrawn
COMMENT 'One row per SKU of a platform that is another one of the merchant';

CREATE VIEW IF NOT EXISTS {database}.stock_levels_current {on_cluster} (
  sku String COMMENT 'SKU code, as the ERP knows it',
  warehouse String COMMENT 'Code of the warehouse in the ERP',
  quantity Int64 COMMENT 'Pieces on hand',
  forecast Nullable(Int64) COMMENT 'Pieces left once everything planned has moved in and out; null where the ERP does not say',
  withdrawn Bool COMMENT 'The ERP shows the SKU there no more; the quantity is 0',
  source String COMMENT 'Which ERP',
  read_at DateTime64(3, 'UTC') COMMENT 'When the ERP was found to have this; an unchanged one is not written again',
  written_at DateTime64(3, 'UTC') COMMENT 'When it was written here'
)
AS SELECT
  sku, warehouse, quantity, forecast, withdrawn, source, read_at, written_at
FROM {database}.stock_levels FINAL
COMMENT 'One row per SKU and warehouse: what the ERP has there';

-- As before, and the figures. What the ERP has in stock depends on when it was read: stock_levels is not compared. Whether an
-- order that is off ends in the ERP as a cancelled sale or as a sale with its correction depends on whether it had been
-- pushed before, and since when a quantity holds on which snapshots were seen (see 0015).
CREATE OR REPLACE VIEW {database}.table_digests {on_cluster} (
  name String COMMENT 'Table or view',
  rows UInt64 COMMENT 'Rows that count',
  digest String COMMENT 'Equal for equal rows, in whatever order they came'
)
AS
SELECT 'touchpoints' AS name, count() AS rows, hex(sum(cityHash64(
  source, id, type, at, identifiers, channel, platform, shop, room, streamer, video, sku, campaign,
  campaign_source, medium, content, term, link, placement, page, referrer, shared_by
))) AS digest
FROM {database}.touchpoints FINAL
UNION ALL
SELECT 'orders', count(), hex(sum(cityHash64(
  order_key, platform, shop, order_id, source, status, kind, currency, created_at,
  ifNull(toString(paid_at), ''), updated_at, ifNull(toString(converted_at), ''), paid_minor, refunded_minor,
  net_minor, freight_minor, settlement, settled_minor, arraySort(identifiers), person,
  arraySort(person_identifiers), arraySort(evidence.identifiers), toString(lines), toString(journey),
  arraySort(mapKeys(not_shown)), arraySum(mapValues(not_shown)), arraySort(arrayMap(credit -> toString(credit),
  credits)),
  settings
)))
FROM {database}.orders FINAL
UNION ALL
SELECT 'credit_hours', count(), hex(sum(cityHash64(
  model, hour, platform, shop, channel, streamer, room, campaign, currency, amount, weight, number
)))
FROM (
  SELECT
    model, hour, platform, shop, channel, streamer, room, campaign, currency,
    sum(amount_minor) AS amount, sum(weight_ppb) AS weight, sum(credits) AS number
  FROM {database}.credit_hours
  GROUP BY model, hour, platform, shop, channel, streamer, room, campaign, currency
  HAVING amount != 0 OR weight != 0 OR number != 0
)
UNION ALL
SELECT 'identities', count(), hex(sum(cityHash64(
  identifier, kind, person, state, arraySort(evidence.identifiers)
)))
FROM {database}.identities FINAL
UNION ALL
SELECT 'stock_positions_current', count(), hex(sum(cityHash64(
  order_key, sku, warehouse, quantity, reason
)))
FROM {database}.stock_positions_current
WHERE quantity != 0
UNION ALL
SELECT 'erp_deliveries_current', count(), hex(sum(cityHash64(
  document_key, order_key, outcome, reference, model, words
)))
FROM {database}.erp_deliveries_current
WHERE kind = 'order'
UNION ALL
SELECT 'findings', count(), hex(sum(cityHash64(kind, subject, detail)))
FROM (SELECT DISTINCT kind, subject, detail FROM {database}.findings)
UNION ALL
SELECT 'dead_letters', count(), hex(sum(cityHash64(stage, origin_topic, reason, detail, record_key)))
FROM (SELECT DISTINCT stage, origin_topic, reason, detail, record_key FROM {database}.dead_letters)
UNION ALL
SELECT 'live_sessions', count(), hex(sum(cityHash64(
  platform, room, session, shop, streamer, title, started_at, ifNull(toString(ended_at), ''), currency,
  slot_fee_minor, commission_basis_points, withdrawn, source
)))
FROM {database}.live_sessions FINAL
UNION ALL
SELECT 'ad_spend', count(), hex(sum(cityHash64(
  id, from_at, to_at, platform, shop, channel, campaign, room, streamer, currency, amount_minor, withdrawn, source
)))
FROM {database}.ad_spend FINAL
UNION ALL
SELECT 'product_costs', count(), hex(sum(cityHash64(
  sku, currency, valid_from, cost_minor, withdrawn, source
)))
FROM {database}.product_costs FINAL
UNION ALL
SELECT 'sku_mappings', count(), hex(sum(cityHash64(
  platform, shop, platform_sku, sku, pieces, withdrawn, source
)))
FROM {database}.sku_mappings FINAL
COMMENT 'A digest of each table over all but its run columns, for comparing two runs';
