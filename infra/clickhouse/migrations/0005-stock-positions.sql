-- Every position is kept, because the deltas are the differences between them.
CREATE TABLE IF NOT EXISTS {database}.stock_positions {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  sku String COMMENT 'SKU code of the merchant, as the ERP knows it',
  version Int64 COMMENT 'Positions of one order, SKU and warehouse replace one another in this order',
  warehouse String COMMENT 'Warehouse the pieces are reserved in',
  quantity Int64 COMMENT 'Pieces reserved that no ERP sale represents: absolute, not a change',
  reason LowCardinality(String) COMMENT 'unpaid, sample, gift, or released',
  updated_at DateTime64(3, 'UTC') COMMENT 'When the platform changed the order that way',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (order_key, sku, warehouse, version)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Reserved quantities, one row per order, SKU, warehouse and version with FINAL; stock_positions_current has the newest.';
