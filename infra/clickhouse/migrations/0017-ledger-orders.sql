-- Which orders the ERP is to be asked for: all that the sink has to know of the tables.
CREATE TABLE IF NOT EXISTS {database}.ledger_orders {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the gateway took the newest snapshot over',
  version Int64 COMMENT 'Of rows with one order_key the highest version counts'
)
ENGINE = {engine_prefix}ReplacingMergeTree(version)
ORDER BY order_key
TTL toDateTime(accepted_at) + INTERVAL 3 DAY
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Orders of the last days, for the reading of the ERP; read with FINAL.';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_orders_feed {on_cluster} TO {database}.ledger_orders
AS SELECT order_key, accepted_at, version
FROM {database}.attributed_orders
COMMENT 'Copies the key of each attributed order into ledger_orders';

-- Only orders that the newest reading of the ERP has asked for are judged by it.
CREATE OR REPLACE VIEW {database}.ledger_sales_due {on_cluster} (
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
JOIN (
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
