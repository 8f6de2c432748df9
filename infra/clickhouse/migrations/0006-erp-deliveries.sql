CREATE TABLE IF NOT EXISTS {database}.erp_deliveries {on_cluster} (
  document_key String COMMENT 'Order key, or delta:<partition>:<warehouse>',
  kind LowCardinality(String) COMMENT 'order, delta, release',
  order_key String COMMENT 'Order the document is about; empty for a delta',
  outcome LowCardinality(String) COMMENT 'planned, delivered, refused, released',
  version Int64 COMMENT 'Version of the attributed order the document reflects',
  digest String COMMENT 'Digest of the content sent, by which a repetition is recognised',
  reference String COMMENT 'External reference in the ERP',
  erp_id String COMMENT 'Id the ERP gave the document',
  erp_state String COMMENT 'State of the document in the ERP',
  model String COMMENT 'Attribution model whose credits named the source fields',
  detail String COMMENT 'JSON of what was delivered',
  words String COMMENT 'What the ERP said when it refused',
  accepted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the edge took the order over',
  delivered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the ERP had the document',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (document_key, kafka_topic, kafka_partition, kafka_offset)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'What became of each document on its way to the ERP, one row per step with FINAL; erp_deliveries_current has the newest.';
