CREATE TABLE IF NOT EXISTS {database}.findings {on_cluster} (
  kind LowCardinality(String) COMMENT 'hub, contested, oversized, stray_record',
  subject String COMMENT 'Identifier, order key or topic-partition it is about',
  detail String COMMENT 'What was found',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (kind, subject, kafka_topic, kafka_partition, kafka_offset)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'What an operator may want to look at, one row per finding with FINAL.';

-- A crash may bury a record twice: by its origin the second burial is the same row.
CREATE TABLE IF NOT EXISTS {database}.dead_letters {on_cluster} (
  stage LowCardinality(String) COMMENT 'Service or stage that could not process the record',
  origin_topic LowCardinality(String) COMMENT 'Topic the record was read from',
  origin_partition Int32 COMMENT 'Partition it was read from; -1 where the dead letter does not say',
  origin_offset Int64 COMMENT 'Offset it was read at; -1 where the dead letter does not say',
  reason LowCardinality(String) COMMENT 'Why, from one closed list: undecodable, unknown-schema, invalid, crashed, refused-by-erp',
  detail String COMMENT 'What is wrong with it',
  record_key String COMMENT 'Original key, base64',
  record_value String COMMENT 'Original bytes, base64',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (stage, origin_topic, origin_partition, origin_offset)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Records that could not be processed, one row per stage and origin with FINAL.';
