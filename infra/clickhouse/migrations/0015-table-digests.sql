-- As before, less what depends on when things were looked at. Whether an order that is off ends in the ERP as a
-- cancelled sale or as a sale with its correction depends on whether it had been pushed before; the ERP's own books say
-- what it comes to. How often one order was refused depends on how many of its versions were delivered. An order whose
-- paid snapshot comes before the unpaid one never reserved anything, where otherwise a position of 0 is left, and since
-- when a quantity holds depends on which snapshots were seen.
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
  arraySort(mapKeys(not_shown)), arraySum(mapValues(not_shown)), arraySort(arrayMap(credit -> toString(credit), credits)),
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
COMMENT 'A digest of each table over all but its run columns, for comparing two runs';
